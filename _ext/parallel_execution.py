"""Execute stale chapters in parallel before Sphinx reads them.

Results go into jupyter-cache under the key that myst-nb's ``cache`` mode looks up, so that myst-nb finds every
chapter executed.  A kernel is a process of its own, hence threads are enough to drive several.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import create_nb_reader
from nbclient import NotebookClient
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import SphinxError
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
#: Every library that would otherwise start one thread a core in each kernel.
THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class CellFailed(SphinxError):
    """Cells raised; the message has one line a chapter."""

    category = "A cell failed"


@dataclass
class Job:
    """One chapter to execute, and what became of it."""

    docname: str
    path: Path
    notebook: NotebookNode
    timeout: int
    log: Path
    seconds: float = 0.0
    current: int = 0
    failure: str = ""
    client: NotebookClient | None = field(default=None, repr=False)

    def run(self, threads: int) -> None:
        """Execute in a new kernel; record the failure instead of raising it."""
        started = time.perf_counter()
        limits = dict.fromkeys(THREAD_VARIABLES, str(threads))
        self.client = NotebookClient(
            self.notebook,
            timeout=self.timeout,
            record_timing=False,  # would enter the cells' metadata, and with it the cache key
            resources={"metadata": {"path": str(self.path.parent)}},
            on_cell_start=self._note_cell,
            on_cell_error=self._note_error,
        )
        try:
            with self.log.open("a", encoding="utf8") as log:  # not the terminal: ipykernel warns at every start
                self.client.execute(env={**os.environ, **limits}, stderr=log)
        except Exception as error:  # a dead kernel and a timeout are failures of the cell as well
            if not self.failure:
                text = str(error).strip()
                first = text.splitlines()[0] if text else "no message"
                self.failure = f"{self.where()}: {type(error).__name__}: {first}"
        self.seconds = time.perf_counter() - started

    def _note_cell(self, cell: NotebookNode, cell_index: int) -> None:
        self.current = cell_index

    def _note_error(self, cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        reply = execute_reply["content"]
        if reply["status"] != "error" or _may_raise(cell):
            return
        self.current = cell_index
        offset = _failing_line(reply)
        message = " ".join(ANSI.sub("", reply["evalue"]).split())
        self.failure = f"{self.where(offset)}: {reply['ename']}: {message}".rstrip(": ")

    def where(self, offset: int = 0) -> str:
        """``chapters/x.md:LINE: cell N``, N counting code cells from 1."""
        cells = self.notebook.cells[: self.current + 1]
        number = sum(cell.cell_type == "code" for cell in cells)
        line = self.notebook.metadata["source_map"][self.current]
        if offset:
            line = _first_code_line(self.path, line, cells[-1].source) + offset - 1
        return f"{self.docname}.md:{line}: cell {number}"

    def stop(self) -> None:
        """Kill the kernel, so that an interrupted build ends at once."""
        manager = self.client.km if self.client else None
        process = getattr(getattr(manager, "provisioner", None), "process", None)
        if process is not None and process.poll() is None:
            process.kill()


def _may_raise(cell: NotebookNode) -> bool:
    return "raises-exception" in cell.metadata.get("tags", [])


def _failing_line(reply: dict[str, Any]) -> int:
    """Line inside the cell, from 1, that the traceback names first; 0 when it names none."""
    text = ANSI.sub("", "\n".join(reply.get("traceback", [])))
    count = reply.get("execution_count")
    named = re.search(rf"Cell In\[{count}\], line (\d+)", text)
    return int(named.group(1)) if named else 0


def _first_code_line(path: Path, fence: int, source: str) -> int:
    """Line of the file on which the code under the fence begins, past the cell's options."""
    lines = path.read_text(encoding="utf8").splitlines()
    first = source.split("\n", 1)[0].strip()
    for number, line in enumerate(lines[fence:], start=fence + 1):
        if line.strip() == first:
            return number
    return fence + 1


def stale_jobs(env: Any, docnames: list[str], cache: JupyterCacheAbstract) -> Iterator[Job]:
    """Chapters to be read whose results the cache does not hold."""
    config = env.mystnb_config
    log = Path(env.app.outdir).parent / "kernels.log"
    for docname in docnames:
        path = Path(env.doc2path(docname))
        if path.suffix != ".md":
            continue
        text = path.read_text(encoding="utf8")
        reader = create_nb_reader(str(path), env.myst_config, config, text)
        if reader is None:
            continue
        notebook = reader.read(text)
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            timeout = notebook.metadata.get("execution", {}).get("timeout", config.execution_timeout)
            yield Job(docname, path, notebook, timeout, log)


def _store(cache: JupyterCacheAbstract, job: Job) -> None:
    data = {"execution_seconds": job.seconds}
    bundle = CacheBundleIn(job.notebook, str(job.path), data=data)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _run_all(jobs: list[Job], workers: int, threads: int) -> Iterator[Job]:
    """Run the jobs, yielding each as it ends."""
    pool = ThreadPoolExecutor(workers)
    try:
        futures: dict[Future[None], Job] = {pool.submit(job.run, threads): job for job in jobs}
        for future in as_completed(futures):
            future.result()
            yield futures[future]
    except BaseException:  # Ctrl-C as well: kernels are in their own session and would run on
        pool.shutdown(wait=False, cancel_futures=True)
        for job in jobs:
            job.stop()
        raise
    pool.shutdown()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def execute(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Execute every stale chapter among ``docnames``; raise :class:`CellFailed` when a cell did."""
    config: Any = env.mystnb_config  # type: ignore[attr-defined]
    if config.execution_mode != "cache":
        return
    cache = get_cache(config.execution_cache_path)
    jobs = list(stale_jobs(env, docnames, cache))
    if not jobs:
        return
    workers = min(cores(), len(jobs))
    LOGGER.info("executing %d chapters, %d at a time", len(jobs), workers)
    started = time.perf_counter()
    failures = []
    for number, job in enumerate(_run_all(jobs, workers, max(1, cores() // workers)), start=1):
        elapsed = time.perf_counter() - started
        name = job.docname.removeprefix("chapters/")
        outcome = "FAILED " if job.failure else ""
        LOGGER.info(
            "chapter %d of %d  %s  %s%.1f s  (elapsed %.0f s)",
            *(number, len(jobs), name, outcome, job.seconds, elapsed),
        )
        if job.failure:
            failures.append(job.failure)
        else:
            _store(cache, job)
    if failures:
        raise CellFailed("\n".join(sorted(failures)))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("env-before-read-docs", execute)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

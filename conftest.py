"""Chapters as tests: every code cell of every chapter is one pytest item, run by nbval.

nbval collects .ipynb files only.  A chapter is read by the parser that the book's build itself uses, and handed to
nbval in place of a notebook file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbval import plugin as nbval

ROOT = Path(__file__).parent
CHAPTERS = ROOT / "chapters"
ANSI = re.compile(r"\x1b\[[0-9;]*m")

sys.path.insert(0, str(ROOT / "_ext"))
import fresh_execution  # noqa: E402
import parallel_execution  # noqa: E402

# kernels are child processes: this is how they find `neuroscale` and the right numba cache
fresh_execution.prepare(ROOT, ROOT / "_build")

#: Workers run one chapter each, so that a kernel gets one thread; the unit tests may use more.
KERNEL_ENVIRONMENT = dict.fromkeys(parallel_execution.THREAD_VARIABLES, "1")


class ChapterCell(nbval.IPyNbCell):  # type: ignore[misc]
    """A code cell that knows its line, and is skipped when an earlier one failed."""

    line: int

    def runtest(self) -> None:
        if self.parent.broken and not self.options["skip"]:
            pytest.skip(f"{self.parent.broken} failed earlier in this chapter")
        try:
            super().runtest()
        except BaseException as error:
            if not isinstance(error, pytest.skip.Exception):
                self.parent.broken = self.name
            raise

    @property
    def _where(self) -> str:
        path = self.path.relative_to(self.config.rootpath).as_posix()
        return f"{path}:{self.line} ({self.name})"

    def repr_failure(self, excinfo: Any) -> str:
        text = f"{self._where}\n{super().repr_failure(excinfo)}"
        return text if self.config.option.color == "yes" else ANSI.sub("", text)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.line - 1, self._where


class Chapter(nbval.IPyNbFile):  # type: ignore[misc]
    """A MyST Markdown notebook."""

    broken: str | None = None

    def setup(self) -> None:
        with mock.patch.dict(os.environ, KERNEL_ENVIRONMENT):
            super().setup()

    def collect(self) -> Iterator[ChapterCell]:
        text = self.path.read_text(encoding="utf8")
        notebook = read_myst_markdown_notebook(text, add_source_map=True, path=self.path)
        for cell in notebook.cells:  # myst-nb's tag, in nbval's vocabulary
            tags = cell.metadata.get("tags", [])
            if "skip-execution" in tags:
                cell.metadata["tags"] = [*tags, "nbval-skip"]
        source_map = notebook.metadata.source_map
        pairs = zip(notebook.cells, source_map, strict=True)
        lines = [line for cell, line in pairs if cell.cell_type == "code"]
        with mock.patch.object(nbval.nbformat, "read", return_value=notebook):
            plain = list(super().collect())
        for item, line in zip(plain, lines, strict=True):
            name = f"cell {item.cell_num + 1}"  # as the build counts them
            cell = ChapterCell.from_parent(
                self, name=name, cell_num=item.cell_num, cell=item.cell, options=item.options
            )
            cell.line = line
            yield cell


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Chapter | None:
    option = parent.config.option
    if not (option.nbval or option.nbval_lax):
        return None
    if file_path.suffix != ".md" or CHAPTERS not in file_path.parents:
        return None
    if not is_myst_markdown_notebook(file_path.read_text(encoding="utf8")):
        return None
    chapter: Chapter = Chapter.from_parent(parent, path=file_path)
    return chapter

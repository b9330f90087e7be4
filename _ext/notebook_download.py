"""Offer every chapter as an executed .ipynb.

sphinx-book-theme offers one only when a launch provider is configured, and myst-nb's copy in
``_build/jupyter_execute`` has no outputs in ``cache`` mode.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import install_cell
import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from sphinx.application import Sphinx


def offer(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    env: Any = app.builder.env
    if app.builder.name != "html" or "kernelspec" not in env.metadata.get(pagename, {}):
        return
    source = Path(app.outdir).parent / "jupyter_execute" / f"{pagename}.ipynb"
    if not source.is_file():
        return
    notebook = nbformat.read(source, as_version=4)
    try:
        cache = get_cache(env.mystnb_config.execution_cache_path)
        _, notebook = cache.merge_match_into_notebook(notebook)
    except KeyError:  # not executed by the cache: keep it without outputs
        pass
    install_cell.prepend(notebook)
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    context["ipynb_source"] = f"{pagename}.ipynb"


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", offer, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

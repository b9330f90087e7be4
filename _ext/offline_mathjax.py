"""Serve MathJax from the built book instead of a CDN.

The package ``sphinx-mathjax-offline`` carries the unmodified MathJax 3.2.2 ``es5`` tree, and its own extension
copies all 24 MB.  A page needs 2 MB of it.
"""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")


def configure(app: Sphinx, config: Config) -> None:
    config.mathjax_path = "mathjax/tex-chtml.js"


def copy(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    with as_file(files("sphinx-mathjax-offline") / "static" / "mathjax") as source:
        for part in PARTS:
            if (target / part).exists():
                continue
            if (source / part).is_dir():
                shutil.copytree(source / part, target / part)
            else:
                (target / part).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / part, target / part)


def setup(app: Sphinx) -> dict[str, Any]:
    app.setup_extension("sphinx.ext.mathjax")
    app.connect("config-inited", configure)
    app.connect("build-finished", copy)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Small Sphinx projects on which the book's extensions are tested."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")


def build(root: Path, extensions: list[str], builder: str = "html", **settings: Any) -> tuple[str, str]:
    """Build as ``-n``; return what went to the terminal and the warnings."""
    status, warning = io.StringIO(), io.StringIO()
    overrides = {
        "extensions": ["myst_nb", *extensions],
        "root_doc": "index",
        "exclude_patterns": ["_build"],
        "nitpicky": True,
        "myst_enable_extensions": ["dollarmath", "colon_fence"],
        **settings,
    }
    output = root / "_build"
    with patch_docutils(None), docutils_namespace():
        app = Sphinx(
            srcdir=root,
            confdir=None,
            outdir=output / builder,
            doctreedir=output / ".doctrees",
            buildername=builder,
            confoverrides=overrides,
            status=status,
            warning=warning,
        )
        app.build()
    return ANSI.sub("", status.getvalue()), ANSI.sub("", warning.getvalue())

"""Serve the icons that the pages show instead of all that Font Awesome draws: 0.1 MB instead of 1.5 MB a page.

The theme's script holds two thousand icons, each an entry ``name:[width,height,aliases,code,path]``, and it stands in
the head of every page, so that a browser reads all of it before it paints.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

SCRIPT = "_static/scripts/fontawesome.js"
NAME = re.compile(r"\bfa-([a-z0-9-]+)")
ENTRY = re.compile(
    r"""(?P<name>"[^"]+"|[\w$]+):\[\d+,\d+,(?P<aliases>\[[^\[\]]*\]),"[0-9a-f]+",(?:"[^"]*"|\["[^"]*","[^"]*"\])\],?"""
)
#: Fewer entries than this, and the script is not what this module knows.
KNOWN = 1000


def keep_icons(script: str, used: set[str]) -> str:
    """The script without the icons that are not used, by name or by alias."""
    seen = 0

    def entry(match: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        names = {match["name"].strip('"'), *re.findall(r'"([^"]+)"', match["aliases"])}
        return match[0] if names & used else ""

    kept = ENTRY.sub(entry, script)
    if seen < KNOWN:
        raise ExtensionError(f"{SCRIPT} has {seen} icons of the expected form; at least {KNOWN} were expected")
    return kept


def forget(app: Sphinx) -> None:
    """Sphinx refuses to copy the theme's script over one that differs from it."""
    (Path(app.outdir) / SCRIPT).unlink(missing_ok=True)


def trim(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    out, script = Path(app.outdir), Path(app.outdir) / SCRIPT
    sources = [*out.rglob("*.html"), *(path for path in out.rglob("*.js") if path != script)]
    used = {name for path in sources for name in NAME.findall(path.read_text(encoding="utf8"))}
    theme = files("pydata_sphinx_theme") / "theme" / "pydata_sphinx_theme" / "static" / "scripts" / script.name
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(keep_icons(theme.read_text(encoding="utf8"), used), encoding="utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", forget)
    app.connect("build-finished", trim)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

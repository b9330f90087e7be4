"""``{build-stamp}``: when the page was built, and from which commit."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective


def commit(root: Path) -> str:
    """Describe the working tree; empty outside a repository or without git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _stamps(env: BuildEnvironment) -> dict[str, str]:
    """Document -> commit that its stamp shows."""
    stamps: dict[str, str] = env.__dict__.setdefault("neuroscale_stamps", {})
    return stamps


class BuildStamp(SphinxDirective):
    """One sentence with date and commit."""

    def run(self) -> list[nodes.Node]:
        now = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())), UTC)
        known = commit(Path(self.env.srcdir))
        _stamps(self.env)[self.env.docname] = known
        text = f"Built on {now:%Y-%m-%d at %H:%M} UTC from "
        if not known:
            return [nodes.paragraph(text=text + "a copy without version control.")]
        tree = "commit " if not known.endswith("-dirty") else "a changed copy of commit "
        name = nodes.literal(text=known.removesuffix("-dirty"))
        return [nodes.paragraph("", "", nodes.Text(text + tree), name, nodes.Text("."))]


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Documents whose stamp names another commit than the present one."""
    now = commit(Path(app.srcdir)) if _stamps(env) else ""
    return [doc for doc, known in _stamps(env).items() if known != now and doc not in removed]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("build-stamp", BuildStamp)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Buttons that open a chapter on Colab and on Binder.

The theme's own buttons would point Colab at the Markdown source, which it cannot open, and would overwrite the executed
notebook of ``notebook_download``.  Both addresses are those of the release that the page belongs to: publishing a
version writes its notebooks to the branch ``notebooks`` (.github/workflows/publish.yml).
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

BRANCH = "notebooks"


def addresses(repository: str, version: str, docname: str) -> dict[str, str]:
    """Where each service finds the chapter: ``https://github.com/owner/name``, ``0.1.0``, ``chapters/part/name``."""
    owner_and_name = repository.removeprefix("https://github.com/").strip("/")
    notebook = f"v{version}/{docname.removeprefix('chapters/')}.ipynb"
    return {
        "Colab": f"https://colab.research.google.com/github/{owner_and_name}/blob/{BRANCH}/{notebook}",
        "Binder": f"https://mybinder.org/v2/gh/{owner_and_name}/v{version}?urlpath=lab/tree/{docname}.md",
    }


ICONS = {"Colab": "_static/images/logo_colab.png", "Binder": "_static/images/logo_binder.svg"}


def offer(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    env: Any = app.builder.env
    if "header_buttons" not in context or "kernelspec" not in env.metadata.get(pagename, {}):
        return
    import neuroscale  # late: fresh_execution puts the package on the path

    repository = app.config.html_theme_options["repository_url"]
    found = addresses(repository, neuroscale.__version__, pagename)
    buttons = [
        {"type": "link", "text": name, "tooltip": f"Open this page on {name}", "icon": ICONS[name], "url": url}
        for name, url in found.items()
    ]
    group = {
        "type": "group",
        "tooltip": "Run this page",
        "icon": "fas fa-rocket",
        "buttons": buttons,
        "label": "launch-buttons",
    }
    context["header_buttons"].insert(0, group)


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("html-page-context", offer, priority=502)  # the theme fills header_buttons at 501
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

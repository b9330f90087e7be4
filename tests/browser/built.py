"""The built book as the tests of this folder read it: its pages, found in the folder, and their parsed elements."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SITE = Path(os.environ.get("NEUROSCALE_SITE", ROOT / "_build" / "html")).resolve()
SHOTS = ROOT / "_build" / "screenshots"
REDIRECTS = re.compile(r"<meta\s+http-equiv=[\"']?refresh", re.IGNORECASE)


@cache
def _files() -> dict[str, bool]:
    """Every page of the book, and whether it only leads to another."""
    found = [path.relative_to(SITE) for path in SITE.rglob("*.html")]
    names = sorted(path.as_posix() for path in found if not path.parts[0].startswith("_"))
    return {name: bool(REDIRECTS.search(text(name))) for name in names}


def text(name: str) -> str:
    return (SITE / name).read_text(encoding="utf8")


def pages() -> list[str]:
    """Pages with content, from ``chapters/action/action.html`` on."""
    return [name for name, redirects in _files().items() if not redirects]


def redirects() -> list[str]:
    return [name for name, redirects in _files().items() if redirects]


def chapters() -> list[str]:
    """Pages of the parts, which have code."""
    return [name for name in pages() if name.count("/") == 2 and name.startswith("chapters/")]


def with_code() -> list[str]:
    """Pages whose source names a kernel: the chapters of the parts, the preface, the notation and the status."""
    sources = {name: ROOT / name.replace(".html", ".md") for name in pages()}
    return [name for name, path in sources.items() if path.is_file() and "\nkernelspec:\n" in path.read_text("utf8")]


@dataclass
class Parsed(HTMLParser):
    """What a page declares and refers to."""

    name: str
    title: str = ""
    ids: set[str] = field(default_factory=set)
    metas: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)  # href of <a>
    files: list[str] = field(default_factory=list)  # images, scripts, style sheets
    images: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._in_title = False
        self.feed(text(self.name))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {key: value or "" for key, value in attrs}
        self._in_title |= tag == "title" and not self.title
        self.ids.update(filter(None, (told.get("id"), told.get("name") if tag == "a" else None)))
        key = told.get("name") or told.get("property")
        if tag == "meta" and key:
            self.metas[key] = told.get("content", "")
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
        if tag in ("script", "img", "source") and told.get("src"):
            self.files.append(told["src"])
            if tag == "img":
                self.images.append(told["src"])
        # a canonical address is where the page will be published, not a file
        if tag == "link" and told.get("href") and told.get("rel") != "canonical":
            self.files.append(told["href"])

    def handle_endtag(self, tag: str) -> None:
        self._in_title &= tag != "title"

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data


@cache
def parsed(name: str) -> Parsed:
    return Parsed(name)


def local(name: str, address: str) -> tuple[Path, str] | None:
    """File and fragment that an address on a page means; None when it leaves the book."""
    from urllib.parse import unquote, urlsplit

    split = urlsplit(address)
    if split.scheme or split.netloc:
        return None
    page = SITE / name
    path = (page.parent / unquote(split.path)).resolve() if split.path else page
    return path, unquote(split.fragment)

"""One headless Chromium for all tests of a worker.  `make browser` runs them; they need a built book."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from built import SITE, chapters, pages
from playwright.sync_api import sync_playwright
from visit import Visit, pay

#: The browser is the system's: Playwright would download another.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def executable() -> str:
    """The Chromium or Chrome of this machine; ``NEUROSCALE_CHROMIUM`` names another."""
    found = [os.environ.get("NEUROSCALE_CHROMIUM"), *map(shutil.which, NAMES), *(p for p in MAC if Path(p).exists())]
    for path in filter(None, found):
        return path
    pytest.exit("no Chromium: install the package `chromium` (Debian) or Google Chrome, or set NEUROSCALE_CHROMIUM", 4)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=["--force-color-profile=srgb"])
        yield running
        running.close()


def pytest_generate_tests(metafunc):
    """A test with ``visit`` or ``page_name`` runs once a page; the tests of one page stay on one worker."""
    for fixture, names, indirect in (("visit", pages, True), ("page_name", pages, False), ("chapter", chapters, False)):
        if fixture in metafunc.fixturenames:
            marked = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names()]
            metafunc.parametrize(fixture, marked, indirect=indirect, scope="session", ids=str)


@pytest.fixture(scope="session")
def visit(request, browser) -> Visit:
    """What a browser saw on the page; it is opened once for all tests."""
    return pay(browser, request.param)


def pytest_collection_modifyitems(items):
    if not (SITE / "index.html").is_file():
        pytest.exit(f"no book in {SITE}: run `make book` first", 4)

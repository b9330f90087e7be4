"""Searching from disk."""

from __future__ import annotations

import pytest
from built import SITE
from visit import DESKTOP, Visit, watch


@pytest.mark.parametrize(
    ("query", "wanted"), [("percolation", "chapters/percolation/"), ("free_fraction", "chapters/")]
)
def test_search_box_finds_pages(browser, query, wanted):
    context = browser.new_context(viewport=DESKTOP, offline=True)
    page = context.new_page()
    page.set_default_timeout(300_000)
    seen = Visit("search")
    watch(page, seen)
    page.goto((SITE / "chapters/preface.html").as_uri())
    page.keyboard.press("Control+k")
    box = page.locator("#pst-search-dialog input[type=search]")
    box.wait_for(state="visible")
    box.fill(query)
    box.press("Enter")
    page.wait_for_url("**/search.html?q=*", wait_until="commit")
    page.locator("#search-results li a").first.wait_for()
    links = page.locator("#search-results li a").evaluate_all("all => all.map(a => a.href)")
    assert any(wanted in link for link in links)
    page.locator(f"#search-results li a[href*='{wanted}']").first.click()
    page.wait_for_url(f"**/{wanted}**", wait_until="commit")
    assert not seen.requests
    assert not seen.complaints
    context.close()

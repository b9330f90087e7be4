"""How soon a page shows something: one page at a time, on one worker, since other work on the machine only adds."""

from __future__ import annotations

from statistics import median

from built import SITE
from visit import DESKTOP

FIRST_PAINT = 1000.0  # milliseconds
#: Resolves with the time of the first contentful paint, without waiting for MathJax.
PAINTED = """new Promise(resolve => new PerformanceObserver(list => {
  for (const entry of list.getEntries())
    if (entry.name === "first-contentful-paint") resolve(entry.startTime);
}).observe({type: "paint", buffered: true}))"""


def paint(browser, name: str) -> float:
    context = browser.new_context(viewport=DESKTOP, offline=True)
    page = context.new_page()
    page.goto((SITE / name).as_uri(), wait_until="commit")
    found = page.evaluate(PAINTED)
    context.close()
    return found


def test_first_contentful_paint(browser, page_name):
    """The median of three loads, tried three times: what else the machine does comes and goes, and only adds."""
    rounds = []
    while len(rounds) < 3 and not any(median(found) < FIRST_PAINT for found in rounds):
        rounds.append([paint(browser, page_name) for _ in range(3)])
    assert median(rounds[-1]) < FIRST_PAINT, rounds

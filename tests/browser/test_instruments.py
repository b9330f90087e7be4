"""A visit finds what is wrong with a page: one page with a slip of every kind, and one without."""

from __future__ import annotations

import pytest
from visit import pay

GOOD = """<!DOCTYPE html>
<html lang="en" data-theme="light" data-mode="auto">
<head><meta charset="utf-8"><title>Page</title><meta name="viewport" content="width=device-width, initial-scale=1">
<style>
html {{ background: white; color: black; }}
html[data-theme="dark"] {{ background: #121212; color: #eee; }}
html[data-theme="dark"] a {{ color: #9cf; }}
html[data-theme="light"] .faint {{ color: #777; background: white; }}
html[data-theme="dark"] .dim {{ color: #666; background: #121212; }}
pre {{ overflow-x: auto; }}
</style></head>
<body><main><article>
<h1>Page</h1>
<p>Text with <code>\\frac</code> in code, and a <a href="#">link</a>.</p>
<button class="theme-switch-button" onclick="
  const root = document.documentElement, next = {{auto: 'light', light: 'dark', dark: 'auto'}}[root.dataset.mode];
  root.dataset.mode = next; root.dataset.theme = next === 'dark' ? 'dark' : 'light';">Theme</button>
<pre tabindex="0">{wide}</pre>
{slip}
</article></main></body></html>
"""
WIDE = "a line of code that is far wider than a narrow window " * 4


def visited(browser, tmp_path, slip=""):
    (tmp_path / "page.html").write_text(GOOD.format(wide=WIDE, slip=slip), encoding="utf8")
    return pay(browser, "page.html", tmp_path, tmp_path / "shots")


def found(seen):
    return [
        seen.requests,
        seen.complaints,
        seen.raw_tex,
        seen.missing_icons,
        seen.too_wide,
        seen.violations,
        seen.unseen,
    ]


def test_a_good_page_passes(browser, tmp_path):
    seen = visited(browser, tmp_path)
    assert found(seen) == [[]] * 7
    assert seen.themes == ["light", "dark"]
    assert sorted(path.parent.name for path in (tmp_path / "shots").rglob("*.jpg")) == ["dark", "light", "narrow"]


@pytest.mark.parametrize(
    ("slip", "where", "told"),
    [
        ('<img src="http://example.org/x.png" alt="X">', "requests", "http://example.org"),
        ("<script>console.error('oops')</script>", "complaints", "oops"),
        ("<script>nothing.there</script>", "complaints", "exception"),
        ('<img src="missing.png" alt="X">', "complaints", "missing.png"),
        ("<p>Here $$x$$.</p>", "raw_tex", "$$"),
        ("<p>Here \\frac{1}{2}.</p>", "raw_tex", "\\frac"),
        ('<i class="fa-solid fa-bars"></i>', "missing_icons", "fa-bars"),
        ('<svg class="svg-inline--fa fa-bars"><g class="missing"></g></svg>', "missing_icons", "fa-bars"),
        ('<div style="width: 500px">Wide</div>', "too_wide", "390 px"),
        ('<p class="faint">Faint in light.</p>', "violations", "light: color-contrast"),
        ('<p class="dim">Faint in dark.</p>', "violations", "dark: color-contrast"),
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">', "violations", "image-alt"),
        ("<input>", "violations", "label"),
        ('<p id="late" hidden>Late.</p><script>late.hidden = false</script>', "unseen", "Late"),
    ],
    ids=lambda value: value if str(value).isidentifier() else None,
)
def test_a_slip_is_found(browser, tmp_path, slip, where, told):
    lines = getattr(visited(browser, tmp_path, slip), where)
    assert any(told in line for line in lines), lines

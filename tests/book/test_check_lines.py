"""The lines of checks are marked, and nothing else is."""

from check_lines import mark
from projects import HEADER, build, write

CELLS = """\
# Page

```{code-cell} ipython3
print("\\u2713 ev-one: a < b, first")
print("a  table")
print("\\u2713 ev-two: second")
```

\u2713 A tick in the text.

```{code-cell} ipython3
print("a  table")
print("not \\u2713 at its start")
```
"""


def test_lines_of_checks_are_marked(tmp_path):
    write(tmp_path, {"index.md": HEADER + CELLS})
    assert build(tmp_path, ["check_lines"], nb_execution_mode="force")[1] == ""
    page = (tmp_path / "_build/html/index.html").read_text(encoding="utf8")
    first, second = (
        '<span class="check">\u2713 ev-one: a &lt; b, first\n</span>',
        '<span class="check">\u2713 ev-two: second\n</span>',
    )
    assert f"<pre><span></span>{first}a  table\n{second}</pre>" in page
    assert page.count('class="check"') == 2


def test_another_body_stays():
    assert mark("<p>\u2713 text</p>\n") == "<p>\u2713 text</p>\n"

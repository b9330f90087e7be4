"""Chapters execute ahead of the build, once, and a failing cell is named in one line."""

import time

import pytest
from parallel_execution import CellFailed
from projects import HEADER, build, write

EXTENSIONS = ["fresh_execution", "parallel_execution"]
CELL = "```{code-cell} ipython3\n"
INDEX = "# Contents\n\n```{toctree}\nchapters/a\nchapters/b\n```\n"
FIRST = f"""{HEADER}# First

{CELL}import neuroscale
print("value", neuroscale.value)
```
"""
SECOND = f"""{HEADER}# Second

{CELL}import os
print("threads", os.environ["OMP_NUM_THREADS"])
```

```{{nb-exec-table}}
```
"""


@pytest.fixture
def book(tmp_path, environment):
    files = {
        "index.md": INDEX,
        "chapters/a.md": FIRST,
        "chapters/b.md": SECOND,
        "neuroscale/__init__.py": "value = 41\n",
    }
    write(tmp_path, files)
    return tmp_path


def run(root, **settings):
    return build(root, EXTENSIONS, nb_execution_mode="cache", nb_execution_raise_on_error=True, **settings)


def page(root, name):
    return (root / "_build/html/chapters" / f"{name}.html").read_text(encoding="utf8")


def test_executes_once_and_again_when_the_package_changes(book):
    status, warnings = run(book)
    assert warnings == ""
    assert "chapter 2 of 2" in status
    assert "Executing notebook" not in status, "myst-nb must find every result in the cache"
    assert status.count("Using cached notebook") == 2
    assert "value 41" in page(book, "a")
    assert "threads " in page(book, "b")
    assert "<p>cache</p>" in page(book, "b"), "run times reach nb-exec-table"

    status, _ = run(book)
    assert "chapter" not in status.replace("chapters/", "")

    write(book, {"neuroscale/__init__.py": "value = 4200\n"})
    status, _ = run(book)
    assert "chapter 2 of 2" in status
    assert "value 4200" in page(book, "a")


def test_an_edited_chapter_runs_alone(book):
    run(book)
    write(book, {"chapters/b.md": SECOND.replace("threads", "cores")})
    status, _ = run(book)
    assert "chapter 1 of 1  b" in status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (f"{CELL}x = 1\n```\n\n{CELL}y = 2\nx / 0\n```\n", ":19: cell 2: ZeroDivisionError: division by zero"),
        (
            f"{CELL}---\ntags: [hide-input]\n---\nx = 1\nraise ValueError('two\\nlines')\n```\n",
            ":18: cell 1: ValueError: two lines",
        ),
        (f"{CELL}def broken(:\n```\n", ":14: cell 1: SyntaxError: "),
        (f"{CELL}import os\nos._exit(3)\n```\n", ":13: cell 1: DeadKernelError: Kernel died"),
        (f"{CELL}import time\ntime.sleep(60)\n```\n", ":13: cell 1: CellTimeoutError: "),
    ],
    ids=["second cell", "options and two lines", "syntax", "dead kernel", "timeout"],
)
def test_a_failing_cell_is_named_in_one_line(book, body, message):
    write(book, {"chapters/b.md": f"{HEADER}# Second\n{body}"})
    started = time.monotonic()
    with pytest.raises(CellFailed) as caught:
        run(book, nb_execution_timeout=3)
    line = str(caught.value)
    assert line.startswith("chapters/b.md" + message)
    assert "\n" not in line
    assert time.monotonic() - started < 50

    write(book, {"chapters/b.md": SECOND})
    status, _ = run(book)
    assert "chapter 1 of 1  b" in status, "the chapter that had passed is not executed again"


def test_a_cell_that_should_raise_may(book):
    write(book, {"chapters/b.md": f"{HEADER}# Second\n\n{CELL}:tags: [raises-exception]\n1 / 0\n```\n"})
    status, _ = run(book)
    assert "FAILED" not in status
    assert "ZeroDivisionError" in page(book, "b")

"""The house rules that a machine can hold: every chapter is built, executed, tested and captioned."""

import os
import re
import subprocess
import sys
from collections import Counter

import yaml
from book_source import CODE_FENCE, ROOT, cells, code_cells, documents, in_contents

CLOSING = "\n## What held, what needed a condition, what failed\n"
WIDTH = 72  # columns of code that fit a page at reading width


def test_every_chapter_is_in_the_contents():
    listed = in_contents()
    assert len(listed) == len(set(listed))
    assert sorted(listed) == sorted(documents())


def test_every_extension_is_found_and_loaded():
    # Jupyter Book puts `local_extensions` on the path; only `extensions` loads them
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))["sphinx"]
    ours = {path.stem for path in (ROOT / "_ext").glob("*.py") if "def setup(" in path.read_text(encoding="utf8")}
    assert set(settings["local_extensions"]) == ours
    assert ours <= set(settings["config"]["extensions"])


def test_every_page_with_code_has_the_jupytext_header():
    # without it, the fences are typeset and nothing runs
    bare = [name for name, text in documents().items() if CODE_FENCE.search(text) and not code_cells(name)]
    assert not bare, f"no `format_name: myst` header: {bare}"


def test_every_cell_is_collected():
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "chapters"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    collected = Counter(re.findall(r"^chapters/(\S+)\.md::cell \d+$", done.stdout, re.MULTILINE))
    # fences, not cells: a cell inside another directive is a fence that nobody executes
    wanted = {name: len(CODE_FENCE.findall(text)) for name, text in documents().items()}
    assert dict(collected) == {name: count for name, count in wanted.items() if count}, done.stdout


def test_no_notebook_beside_the_chapters():
    skipped = {"_build", "venv", "node_modules"}
    found = []
    for folder, names, files in os.walk(ROOT):
        names[:] = [n for n in names if n not in skipped and not n.startswith(".")]
        found += [os.path.join(folder, f) for f in files if f.endswith(".ipynb")]
    assert not found, f"chapters are MyST Markdown, and outputs are not committed: {found}"


def test_figures_have_name_caption_and_alternative_text():
    bad = []
    for name, number, cell in cells():
        if not re.search(r"\bplt\.(subplots|figure|subplot_mosaic)\(", cell.source):
            continue
        options = cell.metadata.get("mystnb", {})
        figure, image = options.get("figure", {}), options.get("image", {})
        named = str(figure.get("name", "")).startswith("fig-")
        described = image.get("alt") or re.search(r"SliderFigure\(.*\balt=", cell.source, re.DOTALL)
        if not (named and figure.get("caption") and described):
            bad.append(f"{name}: cell {number}")
    assert not bad, f"needs mystnb image alt, figure name (fig-...) and caption: {bad}"


def test_code_fits_the_page():
    wide = [
        f"{name}: cell {number}: {line}"
        for name, number, cell in cells()
        for line in cell.source.splitlines()
        if len(line) > WIDTH
    ]
    assert not wide, "\n".join(wide)


def test_chapters_close_with_what_held():
    parts = {name: text for name, text in documents().items() if "/" in name}
    assert parts
    lacking = [name for name, text in parts.items() if CLOSING not in text]
    assert not lacking, f"lack the section {CLOSING.strip()!r}: {lacking}"

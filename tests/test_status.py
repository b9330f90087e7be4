"""The status page names every dependency and every data set, and says which of them this build had."""

from __future__ import annotations

import contextlib
import io
import re
import tomllib

from book_source import ROOT, cells, code_cells

#: Names in the package that hand out data which somebody else made.
LOADERS = re.compile(
    r"\b(?:load_(?!recorded)\w+|character_contexts|digit_stream|published_\w+|scaling_exponents)(?=\()"
)


def output(marker: str) -> str:
    """What the page's cell with the marker prints, here and now."""
    (source,) = (cell.source for cell in code_cells("status") if marker in cell.source)
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        exec(compile(source, "chapters/status.md", "exec"), {})
    return told.getvalue()


def test_every_dependency_has_its_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"]
    needed = [re.match(r"[\w-]+", line).group() for line in project["dependencies"]]
    versions = dict(line.split() for line in output("platform.python_version").splitlines())
    assert {"neuroscale", "Python", "jupyter-book", *needed} <= set(versions)
    assert all(re.match(r"\d+\.\d+", version) for version in versions.values())


def test_every_data_set_that_a_chapter_loads_is_looked_for():
    used = {name for _, _, cell in cells() for name in LOADERS.findall(cell.source)}
    (source,) = (cell.source for cell in code_cells("status") if "data_sets" in cell.source)
    looked_for = set(LOADERS.findall(source))
    assert used == looked_for
    assert {"load_digits", "load_fashion_mnist", "load_table"} <= looked_for


def test_what_is_absent_is_said_to_be(monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROSCALE_DATA", str(tmp_path))
    lines = dict(line.rsplit(": ", 1) for line in output("data_sets").splitlines())
    assert lines.pop("Fashion-MNIST, training images").startswith("absent (")
    assert len(lines) >= 7
    assert all(int(count) > 0 for count in lines.values()), lines


def test_a_loader_that_fails_is_no_failure_of_the_page(monkeypatch):
    def broken(*_args, **_options):
        raise ValueError("the standard library has no source files")

    monkeypatch.setattr("neuroscale.evidence.character_contexts", broken)
    assert "contexts drawn: absent (ValueError)" in output("data_sets")

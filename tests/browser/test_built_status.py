"""What the status page tells of its build: versions, date, commit, times, claims and data sets."""

from __future__ import annotations

import re
from html import unescape

import nbformat
from built import SITE, text, with_code

from neuroscale.ledger import claims

PAGE = "chapters/status.html"
ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def table(first: str) -> list[list[str]]:
    """Cells of the rows of the table whose head begins with the word."""
    found = [part.split("</table>")[0] for part in text(PAGE).split("<table")[1:]]
    rows = [
        [[words(c) for c in re.findall(r"<t[hd]\b.*?</t[hd]>", r, re.DOTALL)] for r in ROW.findall(t)] for t in found
    ]
    (wanted,) = (lines for lines in rows if lines[0][0] == first)
    return wanted[1:]


def printed(marker: str) -> list[str]:
    """Lines that the cell with the marker printed when the book was built."""
    notebook = nbformat.read(SITE / "_sources/chapters/status.ipynb", as_version=4)
    (cell,) = (cell for cell in notebook.cells if cell.cell_type == "code" and marker in cell.source)
    lines = "".join(output["text"] for output in cell.outputs).splitlines()
    page = words(text(PAGE))
    assert all(" ".join(line.split()) in page for line in lines)
    return lines


def test_date_and_commit():
    built = r"Built on \d{4}-\d\d-\d\d at \d\d:\d\d UTC from (a changed copy of )?commit [0-9a-z.-]{7,}"
    assert re.search(f"{built}|a copy without version control", words(text(PAGE)))


def test_versions():
    versions = dict(line.split() for line in printed("platform.python_version"))
    assert {"neuroscale", "Python", "numpy", "scikit-learn", "joblib", "jupyter-book"} <= set(versions)


def test_every_page_with_code_has_its_time():
    rows = {row[0] + ".html": row for row in table("Document")}
    assert set(rows) == set(with_code())
    assert all(float(row[3]) > 0 and row[4] == "✅" for row in rows.values())


def test_the_totals_are_the_ledgers():
    assert table("Verdict")[-1][0] == "total"
    assert int(table("Verdict")[-1][-1]) == len(claims())


def test_data_sets_were_looked_for():
    lines = printed("data_sets")
    assert len(lines) >= 8
    assert all(re.search(r": (?:\d+|absent \(\w+\))$", line) for line in lines)
    assert any(line.startswith("Fashion-MNIST") for line in lines)

"""Renamed pages and anchors keep their old addresses."""

import pytest
from projects import build, write
from redirects import load

PAGES = {
    "index.md": "# Contents\n\n```{toctree}\npart/new\n```\n",
    "part/new.md": "# New\n\n(thm-new)=\n## A theorem\n\nText.\n",
}


def built(tmp_path, table):
    write(tmp_path, {**PAGES, "redirects.yml": table})
    return build(tmp_path, ["redirects"])[1]


def test_an_old_page_forwards_with_its_fragment(tmp_path):
    assert built(tmp_path, "pages:\n  part/old: part/new\n  moved: part/new\n") == ""
    page = (tmp_path / "_build/html/part/old.html").read_text(encoding="utf8")
    assert 'content="0; url=new.html"' in page, "works without a script"
    assert 'location.replace("new.html" + location.hash)' in page
    assert "part/new.html" in (tmp_path / "_build/html/moved.html").read_text(encoding="utf8")


def test_an_old_anchor_stays_beside_the_present_one(tmp_path):
    assert built(tmp_path, "anchors:\n  part/new#thm-old: thm-new\n") == ""
    page = (tmp_path / "_build/html/part/new.html").read_text(encoding="utf8")
    assert 'id="thm-old"' in page
    assert 'id="thm-new"' in page


@pytest.mark.parametrize(
    ("table", "warning"),
    [
        ("pages:\n  part/new: index\n", "part/new is a page of the book"),
        ("pages:\n  part/old: nowhere\n", "redirects to nowhere, which is not a page"),
        ("anchors:\n  part/new#thm-old: thm-gone\n", "no anchor thm-gone on part/new"),
        ("anchors:\n  gone#thm-old: thm-new\n", "gone#thm-old is not on a page"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_a_warning(tmp_path, table, warning):
    assert warning in built(tmp_path, table)


def test_no_file_and_an_unknown_table(tmp_path):
    assert load(tmp_path) == ({}, {})
    write(tmp_path, {"redirects.yml": "page: {}\n"})
    with pytest.raises(Exception, match=r"unknown tables \['page'\]"):
        load(tmp_path)

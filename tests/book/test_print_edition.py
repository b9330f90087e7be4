"""What the printed book is told, and what ``make pdf`` says where there is no TeX."""

import os
import subprocess
import sys

import print_edition
from book_source import ROOT
from projects import build, write

INDEX = """\
# Contents

| a | b |
|---|---|
| x | a much longer cell, of several words |
| y | z |
"""


def test_no_tex_is_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/pdf.py")],
        cwd=tmp_path,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 69
    assert done.stderr.splitlines() == [
        "error: make pdf needs xelatex, latexmk, makeindex, kpsewhich, make, which TeX does not have here; "
        "README.md says what to install"
    ]
    assert not list(tmp_path.iterdir()), "nothing is built"


def test_a_part_of_tex_that_is_missing_is_named(tmp_path):
    for name in ("xelatex", "latexmk", "makeindex", "make"):
        (tmp_path / name).write_text("#!/bin/sh\n")
    answers = "\n".join(f"/tex/{name}" for name in ("fontspec.sty", "titlesec.sty", "pgfplots.sty", "FreeSerif.otf"))
    (tmp_path / "kpsewhich").write_text(f"#!/bin/sh\necho '{answers}'\n")
    for path in tmp_path.iterdir():
        path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/pdf.py")],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:/bin:/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 69
    assert "needs tcolorbox.sty, ucharclasses.sty," in done.stderr


def test_lines_in_the_margin_are_found(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import pdf

    lines = "(12.5pt too wide) in paragraph at lines 1--2", "(99.0pt too wide) detected at 7"
    assert pdf.cut("".join(f"Overfull \\hbox {line}\n" for line in lines)) == ["99.0 pt too wide detected at 7"]


def test_letters_that_no_face_has_are_found(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import pdf

    log = """Missing character: There is no ≫ (U+226B) in font [./DejaVuSansMono.ttf]/OT:scr
ipt=latn;language=dflt;!
Missing character: There is no ≫ (U+226B) in font [./DejaVuSansMono.ttf]/OT:scr
Missing character: There is no ✅ (U+2705) in font FreeSerif!
Overfull \\hbox (12.5pt too wide) in paragraph at lines 1--2
"""
    assert pdf.blanks(log) == [
        "≫ (U+226B) is not in [./DejaVuSansMono.ttf]/OT:scr",
        "✅ (U+2705) is not in FreeSerif!",
    ]
    assert pdf.blanks("Overfull") == []


def test_columns_fit_and_long_tables_break(tmp_path, environment):
    rows = "".join(f"| r{number} | s |\n" for number in range(20))
    write(tmp_path, {"index.md": INDEX, "long.md": f"---\norphan: true\n---\n\n# Long\n\n| a | b |\n|---|---|\n{rows}"})
    settings = {
        "latex_documents": [("index", "book.tex", "T", "A", "manual"), ("long", "long.tex", "T", "A", "manual")]
    }
    assert build(tmp_path, ["print_edition"], builder="latex", **settings)[1] == ""
    short = (tmp_path / "_build/latex/book.tex").read_text(encoding="utf8")
    assert r"\X{5}{41}\X{36}{41}" in short
    assert r"\begin{longtable}" not in short
    assert r"\begin{longtable}" in (tmp_path / "_build/latex/long.tex").read_text(encoding="utf8")
    assert (tmp_path / "_build/latex/DejaVuSansMono.ttf").is_file()


def test_proofs_are_no_boxes():
    text = "\\begin{sphinxadmonition}{note}\n\\sphinxAtStartPar\nProof. By eq.\n\\end{sphinxadmonition}\nNext"
    assert print_edition.edited(text, "0") == "\\begin{neuroproof}\nBy eq.\n\\end{neuroproof}\nNext"


def test_statements_are_numbered_as_on_the_pages(tmp_path, environment):
    chapter = "# {0}\n\n## One\n\n:::{{prf:theorem}} A\n:label: thm-{0}a\nText.\n:::\n\n## Two\n\n"
    chapter += ":::{{prf:theorem}} B\n:label: thm-{0}b\nText.\n:::\n\nBy {{prf:ref}}`thm-{0}b`.\n"
    index = "# Book\n\n```{toctree}\n:numbered:\n\nx\ny\n```\n"
    write(tmp_path, {"index.md": index, "x.md": chapter.format("x"), "y.md": chapter.format("y")})
    settings = {
        "latex_documents": [("index", "book.tex", "T", "A", "manual")],
        "numfig_secnum_depth": 2,
        "latex_toplevel_sectioning": "chapter",
    }
    assert build(tmp_path, ["sphinx_proof", "print_edition"], builder="latex", **settings)[1] == ""
    text = (tmp_path / "_build/latex/book.tex").read_text(encoding="utf8")
    for number, title in (("1.1", "A"), ("1.2", "B"), ("2.1", "A"), ("2.2", "B")):
        assert f"Theorem {number} ({title})" in text
    assert r"\sphinxcrossref{Theorem 2.2}" in text


def test_the_landing_page_has_a_heading():
    text = "\\phantomsection\\label{\\detokenize{chapters/preface::doc}}\n\nText"
    assert "\\chapter*{Preface}" in print_edition.edited(text, "0.1.0")


def test_numbers_are_those_of_the_pages():
    text = (
        "\\renewcommand{\\releasename}{}\n\\release{}\n\\part{Front matter}\n\\part{Part I: x}\n\\part{Back matter}\n"
    )
    edited = print_edition.edited(text, "0.1.0")
    assert edited.split("\n") == [
        r"\renewcommand{\releasename}{Version}",
        r"\release{0.1.0}",
        r"\part{Front matter}",
        r"\setcounter{secnumdepth}{-1}",
        r"\part{Part I: x}",
        r"\setcounter{secnumdepth}{2}",
        r"\part{Back matter}",
        r"\setcounter{secnumdepth}{-1}",
        "",
    ]

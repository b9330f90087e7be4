"""The PDF: the ledger as boxes instead of one endless table, columns that fit, numbers as on the pages.

LaTeX gets its style from ``_latex/neuroscale-print.sty``; this extension changes what LaTeX is told.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

#: A table with more rows may have to break over pages.
LONG = 8
FONTS = ("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique")
PART = re.compile(r"\\part\{(.*)\}")
#: sphinx-proof writes a box for it, whose title LaTeX then misses.
PROOF = re.compile(
    r"\\begin\{sphinxadmonition\}\{note\}\n\\sphinxAtStartPar\nProof\.\s*(.*?)\\end\{sphinxadmonition\}", re.DOTALL
)
#: The landing page comes first and has no heading of its own in LaTeX.
PREFACE = re.compile(r"\\phantomsection\\label\{\\detokenize\{chapters/preface::doc\}\}\n")
HEADING = "\\chapter*{Preface}\n\\addcontentsline{toc}{chapter}{Preface}\n\\markboth{Preface}{Preface}\n"


class LedgerAsBoxes(SphinxPostTransform):
    """One box a claim: rows of a table do not break over pages, and the ledger has hundreds."""

    default_priority = 6
    formats = ("latex",)

    def run(self, **kwargs: Any) -> None:
        for table in list(self.document.findall(nodes.table)):
            if "ledger-table" not in table["classes"]:
                continue
            boxes = []
            for row in table.next_node(nodes.tbody).children:
                verdict = [name for name in row["classes"] if name.startswith("is-")]
                content = [child for entry in row.children for child in entry.children]
                boxes.append(nodes.container("", *content, classes=verdict))
            table.replace_self(boxes)


class FitColumns(SphinxPostTransform):
    """Columns in proportion to what they hold; a table of many rows may break."""

    default_priority = 7
    formats = ("latex",)

    def run(self, **kwargs: Any) -> None:
        for table in self.document.findall(nodes.table):
            group = table.next_node(nodes.tgroup)
            rows = [row.children for row in group.findall(nodes.row)]
            columns = [child for child in group.children if isinstance(child, nodes.colspec)]
            if any(len(row) != len(columns) for row in rows):  # merged cells
                continue
            for number, column in enumerate(columns):
                head, *body = [row[number].astext() for row in rows]
                column["colwidth"] = _width(head, body)
            names = {"colwidths-given"} | ({"longtable"} if len(rows) > LONG else set())
            table["classes"] = [*table["classes"], *sorted(names - set(table["classes"]))]


def _width(head: str, body: list[str]) -> int:
    """Room for the longest word, and more for more text, up to a limit; a heading may be hyphenated."""
    word = max((len(word) for cell in body for word in cell.split()), default=1)
    heading = max(map(len, head.split()), default=1)
    longest = max(map(len, body), default=1)
    return max(5, min(word, 22) + 4, min(heading, 7) + 2, min(longest, 36))


def configure(app: Sphinx, config: Config) -> None:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    files = [str(folder / f"{name}.ttf") for name in FONTS]
    config.latex_additional_files = [*config.latex_additional_files, *files]


def number_statements(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Count theorems and exercises within the chapter, as on the pages.

    With parts, LaTeX's chapters are Sphinx's second level, so that Jupyter Book sets ``numfig_secnum_depth`` to two;
    these numbers are then one level too deep.
    """
    if app.builder.name == "latex":
        for kinds in env.toc_fignumbers.values():
            for kind, numbers in kinds.items():
                if kind not in ("figure", "table", "code-block"):
                    pairs = enumerate(numbers.items(), start=1)
                    kinds[kind] = {name: (number[0], i) if number[1:] else number for i, (name, number) in pairs}
    return []


def edited(text: str, version: str) -> str:
    """Leave front and back matter without numbers, name the version, and set proofs as proofs."""

    def part(match: re.Match[str]) -> str:
        depth = 2 if match[1].startswith("Part ") else -1
        return f"{match[0]}\n\\setcounter{{secnumdepth}}{{{depth}}}"

    text = PART.sub(part, text)
    text = PROOF.sub(r"\\begin{neuroproof}\n\1\\end{neuroproof}", text)
    text = PREFACE.sub(lambda match: match[0] + HEADING, text, count=1)
    text = text.replace(r"\release{}", rf"\release{{{version}}}")
    return text.replace(r"\renewcommand{\releasename}{}", r"\renewcommand{\releasename}{Version}")


def edit(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.name != "latex":
        return
    import neuroscale  # late: fresh_execution puts the package on the path

    for path in Path(app.outdir).glob("*.tex"):
        text = path.read_text(encoding="utf8")
        path.write_text(edited(text, neuroscale.__version__), encoding="utf8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_post_transform(LedgerAsBoxes)
    app.add_post_transform(FitColumns)
    app.connect("config-inited", configure)
    app.connect("env-get-updated", number_statements, priority=900)  # after Sphinx has counted
    app.connect("build-finished", edit)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

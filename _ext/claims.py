"""The claim ledger on the page: directives and a role that render ``neuroscale.ledger``.

``{claim} zs-eq-9``      box with statement, verdict, correction and permalink, in the claim's own chapter only
``{claim-summary}``      the claims that the current chapter decides, each linked to its box
``{claim-ledger}``       every claim of every source, one row each, anchor ``#zs-eq-9``
``{claim-totals}``       counts by verdict and source
``{claim}`zs-eq-9` ``    role: link to the row

An unknown id, a box outside its chapter and a second box are errors, hence fatal under ``-W``; a decided claim
without a box leaves its row's link unresolved, which is fatal under ``-n -W``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cite_page import folded
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective, SphinxRole

if TYPE_CHECKING:
    from types import ModuleType

    from neuroscale.ledger import Claim, Source

CHAPTERS = "chapters/"
COLUMNS = (("Claim", 28), ("Statement", 72))


def _ledger() -> ModuleType:
    """Import late: ``fresh_execution`` puts the package on the path when the build starts."""
    from neuroscale import ledger

    return ledger


def box_anchor(claim_id: str) -> str:
    return f"claim-{claim_id}"


def _boxes(env: BuildEnvironment) -> dict[str, str]:
    """Claim id -> document that shows its box."""
    boxes: dict[str, str] = env.__dict__.setdefault("neuroscale_boxes", {})
    return boxes


class _Rendering(SphinxDirective):
    """What the directives share: nested Markdown, links, badges, tables."""

    def note_sources(self) -> None:
        for path in sorted(Path(str(_ledger().__file__)).parent.glob("*.yml")):
            self.env.note_dependency(str(path))

    def markdown(self, text: str, *classes: str) -> nodes.container:
        """Parse ``text`` as a part of the page, so that its mathematics is the page's mathematics."""
        box = nodes.container(classes=list(classes))
        source, line = self.get_source_info()
        self.state.nested_parse(StringList(text.splitlines(), source), line - 1, box)
        return box

    def part(self, label: str, text: str, *classes: str) -> nodes.container:
        """Text of a claim under its label, if it has one."""
        part = nodes.container(classes=list(classes))
        if label:
            part += nodes.paragraph("", "", nodes.strong(text=label), classes=["claim-label"])
        part += self.markdown(text, "claim-text")
        return part

    def inline(self, text: str) -> list[nodes.Node]:
        parsed, messages = self.parse_inline(text, lineno=self.lineno)
        return [*parsed, *messages]

    def link(self, text: str, target: str) -> addnodes.pending_xref:
        """Reference to an anchor anywhere in the book; unresolved ones warn."""
        reference = addnodes.pending_xref(
            "",
            nodes.inline(text=text),
            refdomain="std",
            reftype="ref",
            reftarget=target,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        self.set_source_info(reference)
        return reference

    def target(self, name: str) -> nodes.target:
        """Permanent anchor; an explicit target is what ``ref`` resolves and LaTeX labels."""
        target = nodes.target("", "", ids=[name], names=[name])
        self.set_source_info(target)
        self.state.document.note_explicit_target(target, target)
        return target

    def table(self, columns: tuple[tuple[str, int], ...], rows: list[nodes.row], *classes: str) -> nodes.table:
        group = nodes.tgroup(cols=len(columns))
        group += [nodes.colspec(colwidth=width) for _, width in columns]
        head = nodes.row("", *(_entry(*self.inline(title)) for title, _ in columns))
        group += nodes.thead("", head)
        group += nodes.tbody("", *rows)
        table = nodes.table("", group, classes=list(classes))
        self.set_source_info(table)
        return table


def _entry(*inlines: nodes.Node) -> nodes.entry:
    return nodes.entry("", nodes.paragraph("", "", *inlines))


def _where(entry: Claim) -> str:
    """Place in the source; for a statement that the source does not print, whose it is."""
    return f"{entry.where} ({_ledger().ORIGINS[entry.origin]})" if entry.origin else entry.where


def badge(verdict: str, *content: nodes.Node) -> nodes.inline:
    """Verdict as a coloured word; ``content`` (a link) takes the word's place."""
    inside = content or (nodes.Text(verdict),)
    return nodes.inline("", "", *inside, classes=["verdict", f"verdict-{verdict}"])


class ClaimBox(_Rendering):
    """``{claim} id``: the claim as its chapter shows it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        entry = self._own_claim(self.arguments[0])
        _boxes(self.env)[entry.id] = self.env.docname
        self.note_sources()
        box = nodes.container(classes=["claim-box", f"claim-{entry.verdict}"])
        box += self._head(entry)
        own = entry.origin or entry.verdict in ("theorem", "conjecture")
        box += self.part("Statement" if own else "The source says", entry.statement, "claim-part", "claim-statement")
        if entry.correction:
            box += self.part("Corrected", entry.correction, "claim-part", "claim-correction")
        if entry.note:
            box += self.part("", entry.note, "claim-part", "claim-note")
        return [box]

    def _own_claim(self, claim_id: str) -> Claim:
        """Fetch the claim that may stand here, or report why it may not."""
        try:
            entry: Claim = _ledger().claim(claim_id)
        except KeyError as error:
            raise self.error(str(error.args[0])) from None
        home = CHAPTERS + entry.chapter
        if self.env.docname != home:
            raise self.error(f"claim {claim_id!r} belongs to {home}, not to {self.env.docname}")
        if not entry.decided:
            raise self.error(f"claim {claim_id!r} is open in the ledger: decide it before showing it")
        if claim_id in _boxes(self.env):
            raise self.error(f"claim {claim_id!r} has a second box")
        return entry

    def _head(self, entry: Claim) -> nodes.paragraph:
        permalink = self.link(entry.id, entry.id)
        head = nodes.paragraph("", "", self.target(box_anchor(entry.id)), classes=["claim-head"])
        head += nodes.inline("", "", permalink, classes=["claim-id"])
        head += [nodes.Text(" "), nodes.inline(text=_where(entry), classes=["claim-where"]), nodes.Text(" ")]
        head += badge(entry.verdict)
        return head


class ClaimSummary(_Rendering):
    """``{claim-summary}``: what the current chapter decides."""

    def run(self) -> list[nodes.Node]:
        self.note_sources()
        chapter = self.env.docname.removeprefix(CHAPTERS)
        decided = [c for c in _ledger().claims().values() if c.chapter == chapter and c.decided]
        if not decided:
            return [nodes.paragraph(text="No claim is decided in this chapter yet.")]
        listing = nodes.bullet_list(bullet="-", classes=["claim-summary"])
        for entry in decided:
            line = nodes.paragraph("", "", self.link(entry.id, box_anchor(entry.id)))
            where = nodes.inline(text=_where(entry), classes=["claim-where"])
            line += [nodes.Text(" "), where, nodes.Text(" ")]
            line += badge(entry.verdict, self.link(entry.verdict, box_anchor(entry.id)))
            listing += nodes.list_item("", line)
        return [listing]


class ClaimLedger(_Rendering):
    """``{claim-ledger}``: the whole ledger, complete without a script."""

    def run(self) -> list[nodes.Node]:
        self.note_sources()
        ledger = nodes.container(classes=["claim-ledger"])
        for source in _ledger().sources().values():
            part = nodes.container(classes=["ledger-source"])
            part += nodes.rubric("", "", *self._title(source))
            rows = [self._row(entry) for entry in source.claims]
            part += self.table(COLUMNS, rows, "ledger-table")
            ledger += part
        return [ledger]

    def _title(self, source: Source) -> list[nodes.Node]:
        return self.inline(f"{source.title} {{cite}}`{source.citation}`" if source.citation else source.title)

    def _row(self, entry: Claim) -> nodes.row:
        name = nodes.literal(text=entry.id)
        where = nodes.inline(text=_where(entry), classes=["claim-where"])
        head = _entry(self.target(entry.id), name, nodes.Text(" "), where)
        head += nodes.paragraph("", "", badge(entry.verdict), nodes.Text(" "), self._place(entry))
        text = nodes.entry("", self.markdown(entry.statement, "claim-text"))
        if entry.correction:
            text += self.part("Corrected", entry.correction, "claim-correction")
        if entry.note:
            text += self.part("", entry.note, "claim-note")
        text += folded(_ledger().citation(entry.id))
        return nodes.row("", head, text, classes=["ledger-row", f"is-{entry.verdict}"])

    def _place(self, entry: Claim) -> nodes.Node:
        """Link to the box; a claim that is open has none, and perhaps no chapter."""
        if entry.decided:
            return self.link(entry.chapter, box_anchor(entry.id))
        return nodes.inline(text=f"{entry.chapter} (to come)", classes=["claim-where"])


class ClaimTotals(_Rendering):
    """``{claim-totals}``: how many claims of each source have each verdict."""

    def run(self) -> list[nodes.Node]:
        self.note_sources()
        ledger = _ledger()
        sources = list(ledger.sources().values())
        names = [f"{{cite:t}}`{s.citation}`" if s.citation else s.title for s in sources]
        columns = (("Verdict", 12), ("Meaning", 48), *((name, 20) for name in names), ("All", 8))
        rows = []
        for verdict, meaning in ledger.VERDICTS.items():
            counts = [sum(c.verdict == verdict for c in s.claims) for s in sources]
            rows.append(self._row(badge(verdict), meaning, [*counts, sum(counts)]))
        sizes = [len(s.claims) for s in sources]
        rows.append(self._row(nodes.strong(text="total"), "", [*sizes, sum(sizes)]))
        return [self.table(columns, rows, "claim-totals")]

    @staticmethod
    def _row(head: nodes.Node, meaning: str, counts: list[int]) -> nodes.row:
        cells = [_entry(head), _entry(nodes.Text(meaning))]
        return nodes.row("", *cells, *(_entry(nodes.Text(str(count))) for count in counts))


class ClaimRole(SphinxRole):
    """``{claim}`id` ``: link to the claim's row in the ledger."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        reference = addnodes.pending_xref(
            self.rawtext,
            nodes.inline(text=self.text),
            refdomain="std",
            reftype="ref",
            reftarget=self.text,
            refexplicit=True,
            refwarn=True,
            refdoc=self.env.docname,
        )
        self.set_source_info(reference)
        if self.text not in _ledger().claims():
            message = self.inliner.reporter.error(f"claim {self.text!r} is not in the ledger", line=self.lineno)
            return [nodes.problematic(self.rawtext, self.rawtext)], [message]
        return [reference], []


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    for claim_id, document in list(_boxes(env).items()):
        if document == docname:
            del _boxes(env)[claim_id]


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    _boxes(env).update({key: doc for key, doc in _boxes(other).items() if doc in docnames})


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("claim", ClaimBox)
    app.add_directive("claim-summary", ClaimSummary)
    app.add_directive("claim-ledger", ClaimLedger)
    app.add_directive("claim-totals", ClaimTotals)
    app.add_role("claim", ClaimRole())
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

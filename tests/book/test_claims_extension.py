"""The claim directives on a small project with a ledger of its own."""

import pytest
from projects import build, write

from neuroscale import ledger
from neuroscale.ledger import Claim, Source

CLAIMS = (
    Claim(
        id="t-sum",
        source="test",
        where="Section 1, eq. (1)",
        statement="For all $n$,\n\n$$\n1+\\dots+n = n^2/2\n$$",
        verdict="corrected",
        chapter="part/first",
        covers=("eq-1",),
        correction="It is $n(n+1)/2$.",
        note="Gauss knew.",
    ),
    Claim(
        id="t-own",
        source="test",
        where="Theorem 1",
        statement="$2 > 1$",
        verdict="theorem",
        chapter="part/first",
    ),
    Claim(
        id="t-later",
        source="test",
        where="Section 9",
        statement="$3 > 2$",
        verdict="open",
        chapter="part/unwritten",
    ),
)
INDEX = """\
# Contents

```{toctree}
chapters/part/first
chapters/ledger
```
"""
FIRST = """\
# First

```{claim-summary}
```

```{claim} t-sum
```

```{claim} t-own
```

See {claim}`t-later`.
"""
LEDGER = """\
# Ledger

```{claim-totals}
```

```{claim-ledger}
```
"""


@pytest.fixture(autouse=True)
def small_ledger(monkeypatch):
    by_id = {claim.id: claim for claim in CLAIMS}
    source = Source(key="test", title="A source", citation="", inventory=("eq-1",), claims=CLAIMS)
    monkeypatch.setattr(ledger, "sources", lambda: {"test": source})
    monkeypatch.setattr(ledger, "claims", lambda: by_id)
    for module in ("neuroscale.ledger", "neuroscale.ledger.cite"):
        monkeypatch.setattr(f"{module}.claim", by_id.__getitem__)


def pages(root, first=FIRST, builder="html"):
    write(root, {"index.md": INDEX, "chapters/part/first.md": first, "chapters/ledger.md": LEDGER})
    return build(root, ["claims"], builder, nb_execution_mode="off")[1]


def html(root, name):
    return (root / "_build/html/chapters" / f"{name}.html").read_text(encoding="utf8")


def test_box_and_summary(tmp_path):
    assert pages(tmp_path) == ""
    page = html(tmp_path, "part/first")
    assert 'id="claim-t-sum"' in page
    assert 'class="verdict verdict-corrected"' in page
    assert "The source says" in page
    assert "Gauss knew." in page
    assert page.count("Statement") == 1, "our own theorem is not what a source says"
    assert 'class="math notranslate nohighlight"' in page
    assert 'href="../ledger.html#t-sum"' in page, "permalink"
    assert 'href="#claim-t-sum"' in page, "summary"
    assert 'href="../ledger.html#t-later"' in page, "role"


def test_ledger_lists_every_claim(tmp_path):
    assert pages(tmp_path) == ""
    page = html(tmp_path, "ledger")
    for claim in CLAIMS:
        assert f'id="{claim.id}"' in page
        assert f"verdict-{claim.verdict}" in page
    assert 'href="part/first.html#claim-t-sum"' in page
    assert "part/unwritten (to come)" in page
    assert page.count("ledger-row") == len(CLAIMS)


def test_totals_count_open_claims(tmp_path):
    pages(tmp_path)
    table = html(tmp_path, "ledger").split("ledger-table")[0]
    rows = [row.split("</tr>")[0] for row in table.split("<tr")[1:]]
    counts = {word: row.count("<p>1</p>") for row in rows for word in ledger.VERDICTS if f">{word}<" in row}
    assert counts == {word: 2 * (word in ("corrected", "theorem", "open")) for word in ledger.VERDICTS}, (
        "once for the source, once for all"
    )
    assert rows[-1].count("<p>3</p>") == 2


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (FIRST + "\n```{claim} t-sum\n```\n", "has a second box"),
        (FIRST + "\n```{claim} t-none\n```\n", "t-none"),
        (FIRST + "\n```{claim} t-later\n```\n", "belongs to chapters/part/unwritten"),
        (FIRST + "\n{claim}`t-none`\n", "'t-none' is not in the ledger"),
        (FIRST.replace("```{claim} t-own\n```", ""), "t-own"),
    ],
    ids=["twice", "unknown", "elsewhere", "unknown role", "decided but not shown"],
)
def test_misuse_is_a_warning_and_hence_fatal(tmp_path, page, complaint):
    assert complaint in pages(tmp_path, page)


def test_open_claim_has_no_box(tmp_path):
    page = "# Unwritten\n\n```{claim} t-later\n```\n"
    write(tmp_path, {"chapters/part/unwritten.md": ":orphan:\n" + page})
    assert "is open in the ledger" in pages(tmp_path)


def test_a_box_survives_an_incremental_build(tmp_path):
    assert pages(tmp_path) == ""
    assert pages(tmp_path, FIRST + "\nAn edit.\n") == "", "the box of the last build is not a second one"


def test_latex_is_written(tmp_path):
    assert pages(tmp_path, builder="latex") == ""
    text = next((tmp_path / "_build/latex").glob("*.tex")).read_text(encoding="utf8")
    assert "t\\sphinxhyphen{}sum" in text

"""Every address that the book has published, and whether it still answers; what the package knows of its theorems.

``python tools/permalinks.py``                compare the list with the sources
``python tools/permalinks.py --update``       add the present addresses, none is ever removed; list the theorems
``python tools/permalinks.py _build/html``    look for each of them in the built pages
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from docutils.nodes import make_id

ROOT = Path(__file__).resolve().parents[1]
LIST = ROOT / "published.txt"
LEDGER = "chapters/ledger"
#: Theorems and the like, for `neuroscale.citation`.
STATEMENTS = ROOT / "neuroscale" / "ledger" / "statements.json"
TITLED = re.compile(
    r"^:{3,}\{prf:(theorem|proposition|lemma|corollary|definition)\} +(.+)\n:label: +(\S+)", re.MULTILINE
)
#: Statements and exercises, whose labels are their identifiers; docutils makes its own from the others.
STATEMENT = re.compile(r"^:label: +((?:thm|prop|lem|cor|def|ex)-\S+)\s*$", re.MULTILINE)
LABELS = (
    re.compile(r"^\((ch-\S+)\)=\s*$", re.MULTILINE),
    re.compile(r"^ +name: +(fig-\S+)\s*$", re.MULTILINE),
)
EQUATION = re.compile(r"\$\$ +\((eq-[^)\s]+)\)\s*$", re.MULTILINE)


def documents(root: Path = ROOT) -> Iterator[str]:
    """Documents in the table of contents."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf8"))
    yield toc["root"]
    for part in toc["parts"]:
        yield from (entry["file"] for entry in part["chapters"])


def present(root: Path = ROOT) -> set[str]:
    """Addresses that the sources define: ``document`` or ``document#identifier``."""
    from neuroscale.ledger import claims

    found = set()
    for document in documents(root):
        text = (root / f"{document}.md").read_text(encoding="utf8")
        names = {make_id(name) for pattern in LABELS for name in pattern.findall(text)}
        names |= set(STATEMENT.findall(text))
        names |= {f"equation-{make_id(name)}" for name in EQUATION.findall(text)}
        found |= {document, *(f"{document}#{name}" for name in names)}
    for claim in claims().values():
        found.add(f"{LEDGER}#{claim.id}")
        if claim.decided:
            found.add(f"chapters/{claim.chapter}#claim-{claim.id}")
    return found


def statements(root: Path = ROOT) -> dict[str, dict[str, str]]:
    """Kind, title and page of every theorem and the like, by its label."""
    found = {}
    for document in documents(root):
        for kind, title, label in TITLED.findall((root / f"{document}.md").read_text(encoding="utf8")):
            found[label] = {"kind": kind, "title": title.strip(), "page": document}
    return dict(sorted(found.items()))


def undecided() -> set[str]:
    """Addresses of claims that are still open, which may be dropped."""
    from neuroscale.ledger import claims

    return {f"{LEDGER}#{claim.id}" for claim in claims().values() if not claim.decided}


def published() -> list[str]:
    """Addresses on the list, in its order."""
    lines = LIST.read_text(encoding="utf8").splitlines() if LIST.is_file() else []
    return [line for line in lines if line and not line.startswith("#")]


def resolve(address: str, redirects: dict[str, dict[str, str]]) -> str:
    """Where an address leads after the redirects."""
    document, _, name = address.partition("#")
    document = (redirects.get("pages") or {}).get(document, document)
    name = (redirects.get("anchors") or {}).get(f"{document}#{name}", name)
    return f"{document}#{name}" if name else document


def lost(addresses: list[str], present: set[str], redirects: dict[str, dict[str, str]]) -> list[str]:
    """Published addresses that lead nowhere."""
    return [address for address in addresses if resolve(address, redirects) not in present]


def redirects(root: Path = ROOT) -> dict[str, dict[str, str]]:
    return yaml.safe_load((root / "redirects.yml").read_text(encoding="utf8")) or {}


def unanswered(addresses: list[str], html: Path) -> list[str]:
    """Published addresses that the built pages do not have, forwarding pages followed."""
    pages: dict[str, set[str]] = {}
    bad = []
    for address in addresses:
        document, _, name = address.partition("#")
        if not (html / f"{document}.html").is_file():
            bad.append(address)
            continue
        document = (redirects().get("pages") or {}).get(document, document)
        if document not in pages:
            text = (html / f"{document}.html").read_text(encoding="utf8")
            pages[document] = set(re.findall(r'\bid="([^"]+)"', text))
        if name and name not in pages[document]:
            bad.append(address)
    return bad


def main(arguments: list[str]) -> None:
    sys.path.insert(0, str(ROOT))
    if arguments == ["--update"]:
        every = sorted({*published(), *(present() - undecided())})
        head = (
            "# Addresses that readers may have cited; none may disappear: see tools/permalinks.py and redirects.yml\n"
        )
        LIST.write_text(head + "\n".join(every) + "\n", encoding="utf8")
        STATEMENTS.write_text(json.dumps(statements(), indent=1, ensure_ascii=False) + "\n", encoding="utf8")
        print(f"{len(every)} addresses in {LIST.name}, {len(statements())} theorems in {STATEMENTS.name}")
        return
    bad = unanswered(published(), Path(arguments[0])) if arguments else lost(published(), present(), redirects())
    if bad:
        sys.exit("\n".join(["error: published addresses that no longer answer (see redirects.yml):", *bad]))
    print(f"all {len(published())} published addresses answer")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Spelling of the prose, British: ``python tools/spelling.py`` names file, line and word of what it does not know.

A word is known when pyspellchecker's dictionary has it and codespell does not call it American, when it is the
British form of such a word, or when ``tools/words.txt`` lists it: a name with its capital, any other word in small
letters.  Code, formulas, labels and addresses are not read; alternative texts and captions of figures are, and the
docstrings of the package, and the claims of the ledger, where a statement that a source prints may be American.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from spellchecker import SpellChecker

ROOT = Path(__file__).parent.parent
WORDS = Path(__file__).with_name("words.txt")
PROSE = (
    "chapters/**/*.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "neuroscale/ledger/*.yml",
    "neuroscale/**/*.py",
)
WORD = re.compile(r"(?<![\w\\])[^\W\d_]+(?:['’][^\W\d_]+)?(?![\w])")
FENCE = re.compile(r"^(\s*)(`{3,}|:{3,}|~{3,})(\{[^}]*\})?(.*)$")
#: Directives whose argument is a title; that of the others is a label or a file.
TITLED = re.compile(r"\{(?:admonition|dropdown|tab-item|grid-item-card|prf:\w+|exercise)\}")
#: What is not prose inside a paragraph, longest first; a group that is kept is the text that the reader sees.
NOT_PROSE = (
    (re.compile(r"<!--.*?-->", re.DOTALL), ""),
    (re.compile(r"\$\$.*?\$\$(?:\s*\([\w-]+\))?", re.DOTALL), ""),
    (re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.DOTALL), ""),
    (re.compile(r"(`{2,})(?!`).*?(?<!`)\1(?!`)"), ""),
    (re.compile(r"(?<!`)\{(?:ref|doc|numref|term|prf:ref|eq|func|class|mod)\}`([^`<]*)<[^`]*>`"), r"\1"),
    (re.compile(r"(?<!`)\{term\}`([^`]*)`"), r"\1"),
    (re.compile(r"(?<!`)\{[\w:+-]+\}`[^`]*`"), ""),
    (re.compile(r"`[^`\n]*`"), ""),
    (re.compile(r"(?<!\\)\$[^$]*?\$", re.DOTALL), ""),
    (re.compile(r"\]\([^)]*\)"), "]"),
    (re.compile(r"https?://\S+|\S+@\S+\.\S+"), ""),
    (re.compile(r"</?\w[^>]*>"), ""),
    (re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE), ""),
    (re.compile(r"\b[\w./-]+\.(?:md|py|yml|html|bib|toml|cff|txt|ipynb|lock)\b"), ""),
)
#: What is not prose in a docstring, whose markup is reStructuredText in numpydoc's sections.
NOT_DOCUMENTED = (
    (re.compile(r"^[ \t]*>>>.*\n(?:(?![ \t]*$).*\n)*", re.MULTILINE), ""),
    (re.compile(r"^([ \t]*)\.\. (?:math|code-block|attribute|data)::.*\n(?:[ \t]*\n|\1[ \t]+.*\n)*", re.MULTILINE), ""),
    (re.compile(r":[\w:+-]+:`[^`]*`"), ""),
    (re.compile(r"``[^`]*``|`[^`]*`"), ""),
    # names and types of parameters, and what follows the line under Returns or Raises
    (re.compile(r"^[ \t]*\*{0,2}\w+(?:, \*{0,2}\w+)*(?: : .*)?$|(?<=---\n).*$", re.MULTILINE), ""),
)


@cache
def american() -> dict[str, str]:
    """American form -> British form, from codespell's dictionary for the opposite direction."""
    data = files("codespell_lib") / "data" / "dictionary_en-GB_to_en-US.txt"
    pairs = (line.split("->") for line in data.read_text(encoding="utf8").splitlines() if "->" in line)
    return {there.strip(" ,"): british.strip() for british, there in pairs}


@cache
def dictionary() -> SpellChecker:
    return SpellChecker(language="en")


@cache
def project_words() -> frozenset[str]:
    return frozenset(WORDS.read_text(encoding="utf8").split())


@cache
def known(word: str) -> bool:
    """Whether the word, as it stands in the text, is spelt as the book spells."""
    small = word.lower()
    if word in project_words() or small in project_words():
        return True
    if small in american() and american()[small] != small:
        return False
    return small in american().values() or small in dictionary()


def blank(found: re.Match[str], kept: str) -> str:
    """What replaces a match: as many lines as it had."""
    return (found.expand(kept) if kept else " ") + "\n" * found.group().count("\n")


def options(lines: list[str]) -> Iterator[str]:
    """The lines of a cell's options; all but the texts of its figure are blank."""
    inside = 0  # indentation of the key whose text continues
    for line in lines:
        indent = len(line) - len(line.lstrip())
        key = re.match(r"\s*(alt|caption):\s*[|>]?(.*)", line)
        if key:
            inside = indent
            yield key.group(2)
        elif inside and indent > inside:
            yield line
        else:
            inside = 0
            yield ""


def prose(text: str) -> list[str]:
    """The lines of a page with everything but prose blanked; their numbers stay."""
    lines = text.split("\n")
    if lines[0] == "---":
        end = lines.index("---", 1)
        lines[: end + 1] = [""] * (end + 1)
    kept: list[str] = []
    fences: list[str] = []  # those that are open and hold prose
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = FENCE.match(line)
        if not fence:
            kept.append("" if fences and re.match(r"\s*:[\w-]+:", line) else line)
            continue
        _, marks, name, rest = fence.groups()
        if fences and line.strip() == fences[-1]:
            fences.pop()
            kept.append("")
            continue
        if marks[0] != ":" and (name in (None, "{code-cell}", "{math}", "{bibliography}", "{toctree}", "{eval-rst}")):
            end = next((n for n in range(number, len(lines)) if lines[n].strip() == marks), len(lines))
            body = lines[number:end]
            marked = [n for n, inner in enumerate(body) if inner == "---"]
            told = list(options(body[: marked[1]])) if name == "{code-cell}" and marked[:1] == [0] else []
            kept += ["", *told, *[""] * (len(body) - len(told)), ""]
            number = end + 1
        else:
            fences.append(marks)
            kept.append(rest if name and TITLED.match(name) else "")
    page = "\n".join(kept)
    for pattern, replacement in NOT_PROSE:
        page = pattern.sub(lambda found, to=replacement: blank(found, to), page)  # type: ignore[misc]
    return page.split("\n")


def claims(text: str) -> tuple[str, str]:
    """The words of a source's claims and, apart from them, those that it prints itself; line numbers stay."""
    lines = text.split("\n")
    ours, quoted = [""] * len(lines), [""] * len(lines)
    root = yaml.compose(text)
    assert root is not None
    (entries,) = (value.value for key, value in root.value if key.value == "claims")
    for entry in entries:
        fields = {key.value: value for key, value in entry.value}
        for name in ("where", "statement", "correction", "note"):
            if name not in fields:
                continue
            kept = quoted if name == "statement" and "origin" not in fields else ours
            first, last = fields[name].start_mark, fields[name].end_mark
            kept[first.line] = lines[first.line][first.column :].lstrip("|>-")
            kept[first.line + 1 : last.line] = lines[first.line + 1 : last.line]
    return "\n".join(ours), "\n".join(quoted)


def documented(text: str) -> str:
    """The words of a module's docstrings; line numbers stay."""
    kept = [""] * (text.count("\n") + 2)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            words = node.body[0]
            page = "\n".join(text.splitlines()[words.lineno - 1 : words.end_lineno]).replace('"""', "   ") + "\n"
            page = re.sub(r"^(\s*)r(?=\s{3})", r"\1 ", page)
            for pattern, replacement in NOT_DOCUMENTED:
                page = pattern.sub(lambda found, to=replacement: blank(found, to), page)  # type: ignore[misc]
            kept[words.lineno - 1 : words.end_lineno] = page.split("\n")[:-1]
    return "\n".join(kept)


def unknown(text: str, *, quoted: bool = False) -> Iterator[tuple[int, str]]:
    """Line and word of everything that is not known; a quotation may be American."""
    for number, line in enumerate(prose(text), start=1):
        for found in WORD.finditer(line):
            word = found.group().replace("’", "'")
            stem = re.sub(r"('s|s'|')$", "", word)
            shouts = stem.isupper() or re.search(r"[a-z][A-Z]", stem)  # acronyms, names of classes
            accepted = known(word) or known(stem) or (quoted and word.lower() in american())
            if len(stem) > 2 and not shouts and not accepted:
                yield number, word


def check(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
        text = path.read_text(encoding="utf8")
        parts = (text, "")
        if path.suffix == ".yml":
            parts = claims(text)
        elif path.suffix == ".py":
            parts = (documented(text), "")
        found = sorted([*unknown(parts[0]), *unknown(parts[1], quoted=True)])
        for number, word in found:
            hint = american().get(word.lower())
            yield f"{name}:{number}: {word}" + (f" (British: {hint})" if hint else "")


def main(arguments: list[str]) -> None:
    named = [Path(argument).resolve() for argument in arguments]
    found = list(check(named or sorted(path for pattern in PROSE for path in ROOT.glob(pattern))))
    if found:
        advice = f"{len(found)} words are unknown; correct them, or add them to {WORDS.relative_to(ROOT)} in order"
        sys.exit("\n".join([*found, advice]))


if __name__ == "__main__":
    main(sys.argv[1:])

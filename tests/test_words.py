"""Holds the language of the repository: the field's terms, no private ones (docs/glossary.md)."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

PRIVATE = (
    "bell", "bells", "doorbell", "sweep", "sweeps", "sweeping", "swept", "sociable", "give_back", "GivenUp", "Endings",
    "intake", "portions", "verdict", "verdicts", "farewell", "Impatient", "artefact", "artefacts", "outlive",
    "_outlive", "claim_together", "tell_ended", "whoever",
)  # fmt: skip
"""Words that mean nothing outside this repository, or have a plain synonym that it uses. None may occur anywhere."""

ORDINARY = frozenset(
    {"page", "round", "turn", "here", "company", "ground", "door", "words", "together", "seal", "judge", "lane"}
)
"""Ordinary words that once had private meanings: none may be a part of a name, a column, a setting or a heading."""

ALLOWED: dict[str, str] = {
    r"_?(\w+_)?page(_\w+)?|Page|PAGE_\w+": "a part of a list, or a page of a browser",
    r"test_\w+": "the name of a test is a sentence, whose words the other tests of this file hold",
}
"""Patterns of names and headings that may use such a word, and why."""

MAX_ALLOWED = 20

HISTORY = re.compile(r"CHANGELOG\.md|docs/decisions/|migrations/versions/|requirements/|tests/test_words\.py|LICENSE")
GENERATED = re.compile(r"reports/.*\.(svg|html)|bench/.*\.svg|\.(png|webp|keras|onnx|npz)$")

NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def texts(*patterns: str) -> Iterator[tuple[str, str]]:
    """Every text file under version control that is neither history nor generated, with its content."""
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.split("\n"):
        if name and not HISTORY.search(name) and not GENERATED.search(name):
            yield name, (ROOT / name).read_text("utf-8", errors="ignore")


def defined_names(tree: ast.AST) -> Iterator[str]:
    """The names that this module defines: of functions, classes, arguments, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr


def private_parts(name: str) -> set[str]:
    return {part.lower() for part in NAME_PARTS.findall(name)} & ORDINARY


def is_allowed(text: str) -> bool:
    return any(re.fullmatch(pattern, text) for pattern in ALLOWED)


def test_no_private_word_is_used() -> None:
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, PRIVATE))})\b", re.IGNORECASE)

    found = [
        f"{name}:{number}: {match[0]}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), start=1)
        for match in pattern.finditer(line)
    ]

    assert not found


def test_no_name_uses_an_ordinary_word_in_a_private_sense() -> None:
    found = {
        name: file
        for file, text in texts("*.py")
        for name in (*defined_names(ast.parse(text)), Path(file).stem)
        if private_parts(name) and not is_allowed(name)
    }

    assert not found


def test_no_heading_uses_an_ordinary_word_in_a_private_sense() -> None:
    headings = [line for _, text in texts("*.md") for line in text.splitlines() if re.match("#+ ", line)]

    assert not [line for line in headings if private_parts(line) and not is_allowed(line)]


def test_every_exception_is_used_and_they_are_few() -> None:
    names = {name for _, text in texts("*.py") for name in defined_names(ast.parse(text)) if private_parts(name)}
    headings = {line for _, text in texts("*.md") for line in text.splitlines() if private_parts(line)}

    assert all(any(re.fullmatch(pattern, text) for text in names | headings) for pattern in ALLOWED)
    assert len(ALLOWED) <= MAX_ALLOWED


@pytest.mark.parametrize(("name", "parts"), [("pageCount", {"page"}), ("background", set()), ("next_turn", {"turn"})])
def test_names_are_compared_part_by_part(name: str, parts: set[str]) -> None:
    assert private_parts(name) == parts

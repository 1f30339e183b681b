"""Tables in Markdown."""

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """A Markdown table, one line a row; None is an empty cell."""
    lines = [head, ["---"] * len(head), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: str | None) -> str:
    """A text in one line, with nothing that ends a cell."""
    return " ".join((text or "").split()).replace("|", "\\|")

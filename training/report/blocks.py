"""The blocks of a report. Their texts may contain `code` in backticks, and no other Markdown."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of text."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; the first column names the row, the others hold numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str


@dataclass(frozen=True)
class Chart:
    """A drawing as SVG text (see `training.report.drawing`), with a caption that says what it shows."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Missing:
    """A notice that something was not measured, with the command that measures it."""

    text: str
    command: str


Block: TypeAlias = Paragraph | Table | Chart | Missing


@dataclass(frozen=True)
class Section:
    """A section; `command` measured its contents, and is None if they were not measured."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    command: str | None = None


@dataclass(frozen=True)
class Tile:
    """One number at the head of the report."""

    value: str
    unit: str
    note: str


@dataclass(frozen=True)
class Report:
    """A whole report: title, summary and sections."""

    title: str
    lead: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]


def percent(fraction: float, digits: int = 1) -> str:
    """Format a fraction: 0.9364 becomes 93.6 %."""
    return f"{100 * fraction:.{digits}f} %"


def listed(items: list[str]) -> str:
    """Join items: a, b and c."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)

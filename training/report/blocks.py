"""What a report is made of. Texts may hold `code` in backticks and nothing else of Markdown."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; the first column names the row, the others hold figures."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str


@dataclass(frozen=True)
class Chart:
    """A drawing as SVG text (see `training.report.drawing`), and the sentence that says what it shows."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Missing:
    """What was not measured, and the command that would."""

    text: str
    command: str


Block: TypeAlias = Paragraph | Table | Chart | Missing


@dataclass(frozen=True)
class Section:
    """A chapter; `command` measured all that it tells, None where nothing was."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    command: str | None = None


@dataclass(frozen=True)
class Tile:
    """One figure for the head of the report."""

    value: str
    unit: str
    note: str


@dataclass(frozen=True)
class Report:
    title: str
    lead: str
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]


def percent(share: float, digits: int = 1) -> str:
    """0.9364 as 93.6 %."""
    return f"{100 * share:.{digits}f} %"


def listed(words: list[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

"""Writing: results to standard output, everything about them to standard error."""

import sys
from collections.abc import Iterable, Sequence
from functools import cache

from rich.console import Console
from rich.table import Table
from rich.text import Text

from batchlight.errors import BatchlightError, Fault, Problem
from batchlight.files import Upload
from batchlight.parsing import to_json
from batchlight.records import Skipped

PIPE_COLUMNS = 240
SHOWN_FAULTS = 10


@cache
def results() -> Console:
    """Standard output; into a file or a pipe lines are not cut to the width of a terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


@cache
def notes() -> Console:
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPE_COLUMNS)


def note(text: str, *, style: str = "") -> None:
    notes().print(Text(text, style))


def printable(text: str) -> str:
    """The text with control characters spelled out: a file's name must not steer the terminal."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def write_json(document: object) -> None:
    sys.stdout.write(to_json(document, indent=2) + "\n")


def write_json_line(document: object) -> None:
    sys.stdout.write(to_json(document) + "\n")


def write_error(error: BatchlightError, *, hint: str | None, as_json: bool) -> None:
    """To standard error: a message for people or, with `--json`, one JSON document."""
    if as_json:
        sys.stderr.write(to_json({"error": _error_document(error)}) + "\n")
        return
    note(printable(str(error)), style="red")
    for fault in _further_faults(error):
        note(printable(f"  {fault.where}: {fault.detail}"))
    if hint:
        note(hint)


def write_skipped(upload: Upload) -> None:
    """Say what is left out of the upload, in one line."""
    if upload.skipped:
        note(f"Skipped {_few_names(upload.skipped)}.", style="dim")


def grid(rows: Iterable[tuple[str, Text | str]]) -> Table:
    """Facts about one thing, one a line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    return table


def listing(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _few_names(skipped: Sequence[Skipped], *, most: int = 3) -> str:
    names = ", ".join(f"{printable(each.name)} ({each.reason})" for each in skipped[:most])
    return names if len(skipped) <= most else f"{len(skipped):,} files: {names}, …"


def _further_faults(error: BatchlightError) -> Iterable[Fault]:
    """What the problem lists beyond what its detail has already said."""
    if not isinstance(error, Problem):
        return ()
    return [fault for fault in error.errors if fault.detail not in str(error)][:SHOWN_FAULTS]


def _error_document(error: BatchlightError) -> dict[str, object]:
    if not isinstance(error, Problem):
        return {"code": error.code, "detail": str(error)}
    return {
        "code": error.code,
        "status": error.status,
        "title": error.title,
        "detail": error.detail,
        "errors": error.errors,
    }

"""Writing: results to standard output, messages to standard error."""

import sys
from collections.abc import Iterable, Sequence
from functools import cache

from rich.console import Console
from rich.table import Table
from rich.text import Text

from batchlight.errors import BatchlightError, Problem
from batchlight.files import Upload
from batchlight.parsing import to_json
from batchlight.records import Skipped

PIPE_COLUMNS = 240
SHOWN_PROBLEM_ERRORS = 10
SHOWN_SKIPPED = 3


@cache
def results() -> Console:
    """The console of standard output. Lines to a file or a pipe are not cut to the width of a terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


@cache
def notes() -> Console:
    """The console of standard error."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else PIPE_COLUMNS)


def note(text: str, *, style: str = "") -> None:
    """Write a message to standard error."""
    notes().print(Text(text, style))


def printable(text: str) -> str:
    """The text with control characters escaped, so that a file's name cannot control the terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def write_json(document: object) -> None:
    sys.stdout.write(to_json(document, indent=2) + "\n")


def write_json_line(document: object) -> None:
    sys.stdout.write(to_json(document) + "\n")


def write_error(error: BatchlightError, *, hint: str | None, as_json: bool) -> None:
    """Write the error to standard error: a message for people or, with `--json`, one JSON document."""
    if as_json:
        sys.stderr.write(to_json({"error": _error_document(error)}) + "\n")
        return
    note(printable(str(error)), style="red")
    for line in _problem_error_lines(error):
        note(printable(line))
    if hint:
        note(hint)


def write_skipped(upload: Upload) -> None:
    """Write in one line which files the upload leaves out."""
    if upload.skipped:
        note(f"Skipped {_few_names(upload.skipped)}.", style="dim")


def grid(rows: Iterable[tuple[str, Text | str]]) -> Table:
    """A table of name and value, one per line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    return table


def listing(*columns: str, right: Sequence[str] = (), no_wrap: str = "") -> Table:
    """An empty table with these columns. `no_wrap` names a column whose values stay in one line."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", overflow="fold", no_wrap=column == no_wrap
        )
    return table


def _few_names(skipped: Sequence[Skipped]) -> str:
    names = ", ".join(f"{printable(file.name)} ({file.reason})" for file in skipped[:SHOWN_SKIPPED])
    return names if len(skipped) <= SHOWN_SKIPPED else f"{len(skipped):,} files: {names}, …"


def _problem_error_lines(error: BatchlightError) -> list[str]:
    """One line for each error that the problem lists and that its detail does not contain."""
    if not isinstance(error, Problem):
        return []
    listed = [f"  {each.where}: {each.detail}" for each in error.errors if each.detail not in str(error)]
    further = len(listed) - SHOWN_PROBLEM_ERRORS
    return [*listed[:SHOWN_PROBLEM_ERRORS], *([f"  and {further:,} more; see all with --json"] if further > 0 else [])]


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

"""Progress bars on a terminal. Elsewhere the same calls show nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from batchlight.command.screen import notes
from batchlight.records import Job

BAR_COLUMNS = 32


@contextmanager
def bytes_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes, shown as "Preparing" at first. Call the yielded function with bytes so far and in total."""
    with _progress(DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()) as bars:
        task = bars.add_task("Preparing", total=None)
        yield lambda done, total: bars.update(task, description=label, completed=done, total=total)


@contextmanager
def job_bar() -> Iterator[Callable[[Job], None]]:
    """A bar of images. Call the yielded function with the job whenever it has changed."""
    with _progress(TextColumn("{task.fields[counted]}"), TimeElapsedColumn()) as bars:
        task = bars.add_task("Queued", total=None, counted="")
        yield lambda job: _show_job(bars, task, job)


def _show_job(bars: Progress, task: TaskID, job: Job) -> None:
    counts = job.counts
    failed = f" · [red]{counts.failed:,} failed[/]" if counts.failed else ""
    bars.update(
        task,
        description="Queued" if job.started_at is None else "Classifying",
        completed=counts.ended,
        total=counts.total,
        counted=f"[green]{counts.ended:,}/{counts.total:,}[/] images{failed}",
    )


def _progress(*columns: ProgressColumn) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description:<11}"),
        BarColumn(BAR_COLUMNS),
        *columns,
        console=notes(),
        disable=not sys.stderr.isatty(),
    )

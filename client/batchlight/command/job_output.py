"""What several commands do with a job: follow it, download its archive, show it."""

import shlex
from itertools import islice
from pathlib import Path

import typer

from batchlight.client.client import Client
from batchlight.command.bars import bytes_bar, job_bar
from batchlight.command.exits import ExitCode
from batchlight.command.screen import note, printable, results, write_json
from batchlight.command.views import item_table, job_facts
from batchlight.errors import ConnectionLost, Unreachable
from batchlight.records import Job

SHOWN_FAILURES = 5


def follow(client: Client, job: Job) -> Job:
    """The job once it has ended, with a progress bar until then."""
    note(f"Job {job.id}", style="dim")
    try:
        with job_bar() as progress:
            return client.wait(job.id, progress=progress)
    except KeyboardInterrupt:
        note(f"Interrupted; the job continues. Follow it: batchlight status {job.id} --wait")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except Unreachable as error:
        error.add_note(f"The job continues on the server. Follow it: batchlight status {job.id} --wait")
        raise


def fetch(client: Client, job_id: str, to: Path) -> Path:
    """Download the job's archive, with a progress bar; the file that was written."""
    try:
        with bytes_bar("Downloading") as progress:
            file = client.download(job_id, to, progress=progress)
    except ConnectionLost as error:
        error.add_note(f"Continue it: batchlight download {job_id} --output {shlex.quote(str(to))}")
        raise
    note(f"Wrote {printable(str(file))} ({file.stat().st_size:,} bytes).")
    return file


def show_job(client: Client, job: Job, *, as_json: bool) -> None:
    """Write the job and its first failures, or the job as JSON."""
    if as_json:
        write_json(job)
        return
    results().print(job_facts(job))
    if job.purged_at is not None:
        return
    if job.counts.failed:
        _show_failures(client, job)
    if job.ended:
        note(f"See the items: batchlight items {job.id}\nDownload them: batchlight download {job.id}", style="dim")
    else:
        note(f"Follow it: batchlight status {job.id} --wait", style="dim")


def _show_failures(client: Client, job: Job) -> None:
    failed = list(islice(client.items(job.id, state="failed"), SHOWN_FAILURES))
    results().print("", item_table(failed), "", sep="\n")
    if job.counts.failed > len(failed):
        note(
            f"{len(failed)} of {job.counts.failed:,} failed images are shown. See all:"
            f" batchlight items {job.id} --state failed --limit {job.counts.failed}",
            style="dim",
        )

"""Commands for jobs: submit, jobs, status, cancel, retry, delete."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from batchlight.command.bars import bytes_bar
from batchlight.command.exits import ExitCode, connected, exit_code_of
from batchlight.command.job_output import fetch, follow, show_job
from batchlight.command.options import DEFAULT_URL, AsJson, JobId, Key, ModelOption, TopK, Url, Wait
from batchlight.command.screen import note, results, write_json, write_skipped
from batchlight.command.views import job_table
from batchlight.download import require_writable
from batchlight.files import gather
from batchlight.records import Explain


def submit(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Images, folders, ZIP files.")],
    wait: Wait = False,
    model: ModelOption = None,
    top_k: TopK = None,
    explain: Annotated[
        Explain | None,
        typer.Option(help="full: also measure how faithful each heatmap is, -1 to 1; takes about 17 times as long."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name to recognize the job by.")] = None,
    download: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Wait, then write the archive to this file.")
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Send images as one job."""
    with connected(url, key, as_json=as_json) as client:
        if download is not None and not download.is_dir():
            require_writable(download)
        upload = gather(paths)
        write_skipped(upload)
        with bytes_bar("Uploading") as progress:
            job = client.send(upload, model=model, top_k=top_k, explain=explain, name=name, progress=progress)
        if wait or download:
            job = follow(client, job)
        if download:
            fetch(client, job.id, download)
        show_job(client, job, as_json=as_json)
    raise typer.Exit(exit_code_of(job))


def jobs(
    limit: Annotated[int, typer.Option(min=1, help="Number of jobs to show.")] = 20,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List your jobs, newest first."""
    with connected(url, key, as_json=as_json) as client:
        found = list(islice(client.jobs(), limit))
        if as_json:
            write_json(found)
        elif found:
            results().print(job_table(found))
        else:
            note("You have no jobs. Submit one: batchlight submit PATH")


def status(
    job_id: JobId,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Show the state and progress of a job."""
    with connected(url, key, as_json=as_json, job_id=job_id) as client:
        job = client.job(job_id)
        if wait and not job.ended:
            job = follow(client, job)
        show_job(client, job, as_json=as_json)
    raise typer.Exit(exit_code_of(job))


def cancel(job_id: JobId, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Cancel a job; finished items stay."""
    with connected(url, key, as_json=as_json, job_id=job_id) as client:
        show_job(client, client.cancel(job_id), as_json=as_json)


def retry(
    job_id: JobId,
    wait: Wait = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Infer the failed images of a job once more; succeeded items stay."""
    with connected(url, key, as_json=as_json, job_id=job_id) as client:
        job = client.retry(job_id)
        if wait:
            job = follow(client, job)
        show_job(client, job, as_json=as_json)
    raise typer.Exit(exit_code_of(job) if wait else ExitCode.OK)


def delete(job_id: JobId, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Delete a job's images and results permanently."""
    with connected(url, key, as_json=as_json, job_id=job_id) as client:
        client.delete(job_id)
        if as_json:
            write_json({"job": job_id, "deleted": True})
        else:
            note(f"Deleted job {job_id}.")

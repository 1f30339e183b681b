"""The command `batchlight`."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer

from batchlight.client import Client
from batchlight.command.bars import bytes_bar, job_bar
from batchlight.command.exits import MEANINGS, ExitCode, connected, exit_code_of
from batchlight.command.options import DEFAULT_URL, AsJson, JobId, Key, Url, remember
from batchlight.command.predicting import predict_each
from batchlight.command.screen import note, printable, results, write_json, write_json_line, write_skipped
from batchlight.command.views import item_table, job_facts, job_table, model_table
from batchlight.files import gather
from batchlight.records import Explain, Job

SHOWN_FAILURES = 5
SHOWN_ITEMS = 50

app = typer.Typer(
    name="batchlight",
    help="Classify images in bulk, see why, download the results.",
    epilog="\n".join(["Exit codes", *(f"  [bold]{code:>3d}[/]  {text}" for code, text in MEANINGS.items())]),
    callback=remember,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
ModelName = Annotated[str | None, typer.Option(help="name, name/version or name/version/precision.")]
Explained = Annotated[
    Explain | None,
    typer.Option(help="full: also measure how faithful each heatmap is, -1 to 1; takes about 17 times as long."),
]
Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Images, folders, ZIP files.")]


@app.command()
def submit(
    paths: Paths,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Stay until the job has ended.")] = False,
    model: ModelName = None,
    top_k: Annotated[int | None, typer.Option(min=1, help="How many classes to report an image.")] = None,
    explain: Explained = None,
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
        upload = gather(paths)
        write_skipped(upload)
        with bytes_bar("Uploading") as progress:
            job = client.send(upload, model=model, top_k=top_k, explain=explain, name=name, progress=progress)
        if wait or download:
            job = _follow(client, job)
        if download:
            _fetch(client, job.id, download)
        _show_job(client, job, as_json=as_json)
    raise typer.Exit(exit_code_of(job))


@app.command()
def predict(
    paths: Paths,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the Grad-CAM picture here; a folder if there are several images."),
    ] = None,
    explain: Explained = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Classify one or a few images at once, without a job to follow."""
    with connected(url, key, as_json=as_json) as client:
        all_well = predict_each(client, gather(paths), overlay=overlay, explain=explain, as_json=as_json)
    raise typer.Exit(ExitCode.OK if all_well else ExitCode.FAILED)


@app.command()
def jobs(
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
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
            note("No jobs yet. Start one: batchlight submit PATH…")


@app.command()
def status(
    job_id: JobId,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Stay until the job has ended.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Show how far a job is."""
    with connected(url, key, as_json=as_json) as client:
        job = client.job(job_id)
        if wait and not job.ended:
            job = _follow(client, job)
        _show_job(client, job, as_json=as_json)
    raise typer.Exit(exit_code_of(job))


@app.command()
def cancel(job_id: JobId, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Stop a job; what is finished stays."""
    with connected(url, key, as_json=as_json) as client:
        _show_job(client, client.cancel(job_id), as_json=as_json)


@app.command()
def retry(
    job_id: JobId,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Stay until the job has ended.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Have a job's failed images inferred once more; what succeeded stays."""
    with connected(url, key, as_json=as_json) as client:
        job = client.retry(job_id)
        if wait:
            job = _follow(client, job)
        _show_job(client, job, as_json=as_json)
    raise typer.Exit(exit_code_of(job) if wait else ExitCode.OK)


@app.command()
def delete(job_id: JobId, url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """Delete a job's images and results for good."""
    with connected(url, key, as_json=as_json) as client:
        client.delete(job_id)
        if as_json:
            write_json({"job": job_id, "deleted": True})
        else:
            note(f"Deleted job {job_id}.")


@app.command()
def items(
    job_id: JobId,
    state: Annotated[Literal["succeeded", "failed"] | None, typer.Option(help="Only the items in this state.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"How many at most. Default: {SHOWN_ITEMS}, or all with --json.")
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List what became of a job's images, as far as it has come. With --json, one line an image."""
    with connected(url, key, as_json=as_json) as client:
        found = client.items(job_id, state=state)
        if as_json:
            for item in islice(found, limit):
                write_json_line(item)
            return
        results().print(item_table(list(islice(found, limit or SHOWN_ITEMS))))
        if limit is None and next(found, None) is not None:
            note("There are more: see them with --limit N, or all with --json.", style="dim")


@app.command()
def download(
    job_id: JobId,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; in a folder it is batchlight-JOB.zip.")
    ] = Path(),
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Download a job's results, originals and overlays; go on where an earlier download was cut off."""
    with connected(url, key, as_json=as_json) as client:
        file = _fetch(client, job_id, output)
        if as_json:
            write_json({"job": job_id, "file": str(file), "bytes": file.stat().st_size})


@app.command()
def models(url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """List the models the server can run."""
    with connected(url, key, as_json=as_json) as client:
        found = client.models()
        if as_json:
            write_json(found)
        else:
            results().print(model_table(found))


def _follow(client: Client, job: Job) -> Job:
    note(f"Job {job.id}", style="dim")
    try:
        with job_bar() as progress:
            return client.wait(job.id, progress=progress)
    except KeyboardInterrupt:
        note(f"Interrupted; the job goes on. Follow it: batchlight status {job.id} --wait")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _fetch(client: Client, job_id: str, to: Path) -> Path:
    with bytes_bar("Downloading") as progress:
        file = client.download(job_id, to, progress=progress)
    note(f"Wrote {printable(str(file))} ({file.stat().st_size:,} bytes).")
    return file


def _show_job(client: Client, job: Job, *, as_json: bool) -> None:
    if as_json:
        write_json(job)
        return
    results().print(job_facts(job))
    if job.purged_at is not None:
        return
    if job.counts.failed:
        failed = list(islice(client.items(job.id, state="failed"), SHOWN_FAILURES))
        results().print("", item_table(failed), "", sep="\n")
    if job.ended:
        note(f"See them:  batchlight items {job.id}\nGet them:  batchlight download {job.id}", style="dim")
    else:
        note(f"Follow it: batchlight status {job.id} --wait", style="dim")

"""Commands for results: items, download; and models."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from batchlight.command.exits import connected
from batchlight.command.job_output import fetch
from batchlight.command.options import DEFAULT_URL, AsJson, JobId, Key, Url
from batchlight.command.screen import note, results, write_json, write_json_line
from batchlight.command.views import item_table, model_table
from batchlight.records import ItemStateName

SHOWN_ITEMS = 50


def items(
    job_id: JobId,
    state: Annotated[ItemStateName | None, typer.Option(help="Only the items in this state.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help=f"Number of items to show. Default: {SHOWN_ITEMS}, or all with --json."),
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """List the items of a job that exist so far. With --json, one line per item."""
    with connected(url, key, as_json=as_json, job_id=job_id) as client:
        found = client.items(job_id, state=state)
        if as_json:
            for item in islice(found, limit):
                write_json_line(item)
            return
        results().print(item_table(list(islice(found, limit or SHOWN_ITEMS))))
        if limit is None and next(found, None) is not None:
            only = f" --state {state}" if state else ""
            note(
                f"The first {SHOWN_ITEMS} items are shown. See more: batchlight items {job_id}{only} --limit"
                f" {10 * SHOWN_ITEMS}\nAll of them: batchlight items {job_id}{only} --json",
                style="dim",
            )


def download(
    job_id: JobId,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="File to write; in a folder it is batchlight-JOB.zip."),
    ] = Path(),
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Download a job's results, originals and overlays; continue a download that was cut off."""
    with connected(url, key, as_json=as_json, job_id=job_id) as client:
        file = fetch(client, job_id, output)
        if as_json:
            write_json({"job": job_id, "file": str(file), "bytes": file.stat().st_size})


def models(url: Url = DEFAULT_URL, key: Key = "", as_json: AsJson = False) -> None:
    """List the models that the server can run."""
    with connected(url, key, as_json=as_json) as client:
        found = client.models()
        if as_json:
            write_json(found)
        else:
            results().print(model_table(found))

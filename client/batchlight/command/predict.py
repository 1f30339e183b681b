"""`batchlight predict`: one image after another, each with its prediction at once."""

import shlex
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

import typer

from batchlight.client.client import Client
from batchlight.command.exits import ExitCode, connected
from batchlight.command.options import DEFAULT_URL, AsJson, Key, ModelOption, TopK, Url
from batchlight.command.screen import results, write_json_line
from batchlight.command.views import add_failure, add_prediction, prediction_table
from batchlight.download import require_writable
from batchlight.errors import InvalidDestination, InvalidUpload, Problem
from batchlight.files import SourceFile, Upload, gather
from batchlight.parsing import to_plain
from batchlight.records import Explain, Prediction

REFUSED_IMAGE = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})

Outcome = tuple[SourceFile, Prediction | Problem]


def predict(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="Images, or folders of images; no ZIP files.")],
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the Grad-CAM picture here; a folder if there are several images."),
    ] = None,
    model: ModelOption = None,
    top_k: TopK = None,
    explain: Annotated[
        Explain | None,
        typer.Option(help="full: also measure how faithful each heatmap is, -1 to 1; takes about 17 times as long."),
    ] = None,
    url: Url = DEFAULT_URL,
    key: Key = "",
    as_json: AsJson = False,
) -> None:
    """Classify a few images at once, without a job to follow."""
    with connected(url, key, as_json=as_json) as client:
        upload = gather(paths)
        _require_images(upload)
        _require_writable_overlays(upload, overlay)
        outcomes = _outcomes(client, upload, overlay=overlay, model=model, top_k=top_k, explain=explain)
        all_predicted = _write_json(outcomes) if as_json else _write_table(outcomes, faithfulness=explain == "full")
    raise typer.Exit(ExitCode.OK if all_predicted else ExitCode.FAILED)


def _outcomes(
    client: Client,
    upload: Upload,
    *,
    overlay: Path | None,
    model: str | None,
    top_k: int | None,
    explain: Explain | None,
) -> Iterator[Outcome]:
    """The prediction for each file, or the problem if the server refuses that file as an image."""
    for file in upload.files:
        try:
            prediction = client.predict(file.path, model=model, top_k=top_k, explain=explain)
        except Problem as problem:
            if problem.status not in REFUSED_IMAGE:
                raise
            yield file, problem
            continue
        if overlay is not None:
            _overlay_path(file, overlay).write_bytes(client.overlay(prediction.job_id, 0))
        yield file, prediction


def _require_images(upload: Upload) -> None:
    for file in upload.files:
        if file.is_zip:
            raise InvalidUpload(
                f"{file.path} is a ZIP file, and predict takes images. Submit it as a job: batchlight submit"
                f" {shlex.quote(str(file.path))} --wait"
            )


def _require_writable_overlays(upload: Upload, overlay: Path | None) -> None:
    if overlay is None or overlay.is_dir():
        return
    if len(upload.files) > 1:
        raise InvalidDestination(
            f"There are {len(upload.files):,} images, so --overlay must be a folder, and {overlay} is not one."
            f" Create it: mkdir -p {shlex.quote(str(overlay))}"
        )
    require_writable(overlay)


def _overlay_path(file: SourceFile, overlay: Path) -> Path:
    if not overlay.is_dir():
        return overlay
    return overlay / f"{Path(file.name).with_suffix('').as_posix().replace('/', '-')}-overlay.png"


def _write_table(outcomes: Iterator[Outcome], *, faithfulness: bool) -> bool:
    """Write a table with a row per image; False if the server refused one of them."""
    table, all_predicted = prediction_table(faithfulness=faithfulness), True
    for file, outcome in outcomes:
        if isinstance(outcome, Prediction):
            add_prediction(table, file.name, outcome)
        else:
            add_failure(table, file.name, outcome.code, str(outcome))
            all_predicted = False
    results().print(table)
    return all_predicted


def _write_json(outcomes: Iterator[Outcome]) -> bool:
    """Write a line of JSON per image; False if the server refused one of them."""
    all_predicted = True
    for file, outcome in outcomes:
        if isinstance(outcome, Prediction):
            write_json_line({"file": str(file.path), **to_plain(outcome)})
        else:
            write_json_line({"file": str(file.path), "error": {"code": outcome.code, "message": str(outcome)}})
            all_predicted = False
    return all_predicted

"""`batchlight predict`: one image after the other, each with its answer at once."""

import dataclasses
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

from batchlight.client import Client
from batchlight.command.screen import results, write_json_line
from batchlight.command.views import add_failure, add_prediction, prediction_table
from batchlight.errors import InvalidUpload, Problem
from batchlight.files import SourceFile, Upload
from batchlight.records import Explain, Prediction

REFUSED_IMAGE = frozenset({HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})

Outcome = tuple[SourceFile, Prediction | Problem]


def predict_each(
    client: Client, upload: Upload, *, overlay: Path | None, explain: Explain | None, as_json: bool
) -> bool:
    """Write a line an image; False if the server could not take one of them for an image."""
    _require_room(upload, overlay)
    outcomes = _outcomes(client, upload, overlay, explain)
    return _write_json(outcomes) if as_json else _write_table(outcomes, judged=explain == "full")


def _outcomes(client: Client, upload: Upload, overlay: Path | None, explain: Explain | None) -> Iterator[Outcome]:
    for file in upload.files:
        outcome = _outcome(client, file, explain)
        if isinstance(outcome, Prediction) and overlay is not None:
            _overlay_path(file, overlay).write_bytes(client.overlay(outcome.job_id, 0))
        yield file, outcome


def _outcome(client: Client, file: SourceFile, explain: Explain | None) -> Prediction | Problem:
    try:
        return client.predict(file.path, explain=explain)
    except Problem as problem:
        if problem.status not in REFUSED_IMAGE:
            raise
        return problem


def _require_room(upload: Upload, overlay: Path | None) -> None:
    if overlay is not None and len(upload.files) > 1 and not overlay.is_dir():
        raise InvalidUpload(f"There are several images, so --overlay must be a folder, and {overlay} is none.")


def _overlay_path(file: SourceFile, overlay: Path) -> Path:
    if not overlay.is_dir():
        return overlay
    return overlay / f"{Path(file.name).with_suffix('').as_posix().replace('/', '-')}-overlay.png"


def _write_table(outcomes: Iterator[Outcome], *, judged: bool) -> bool:
    table, all_well = prediction_table(judged=judged), True
    for file, outcome in outcomes:
        if isinstance(outcome, Prediction):
            add_prediction(table, file.name, outcome)
        else:
            add_failure(table, file.name, outcome.code, str(outcome))
            all_well = False
    results().print(table)
    return all_well


def _write_json(outcomes: Iterator[Outcome]) -> bool:
    all_well = True
    for file, outcome in outcomes:
        if isinstance(outcome, Prediction):
            write_json_line({"file": str(file.path), **dataclasses.asdict(outcome)})
        else:
            write_json_line({"file": str(file.path), "error": {"code": outcome.code, "message": str(outcome)}})
            all_well = False
    return all_well

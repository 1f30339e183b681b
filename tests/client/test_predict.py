import json
from pathlib import Path

import pytest

from batchlight import InvalidUpload, Problem
from tests.client.documents import JOB_ID, item_document, job_document
from tests.client.scripted_server import Exchange, Script, client_of


def deferring(*, state: str, item: dict[str, object]) -> Script:
    """A busy server: /predict responds 202 with the address of a job, which has one item."""
    job = job_document(state=state, total=1)

    def defer(exchange: Exchange) -> None:
        exchange.rfile.read(exchange.length)
        if exchange.command == "POST":
            exchange.reply(202, b"{}", {"Location": f"/v1/jobs/{JOB_ID}"})
        else:
            exchange.reply(200, json.dumps(item if "items" in exchange.path else job).encode())

    return defer


def test_a_deferred_prediction_is_fetched_from_its_job(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")

    with client_of(deferring(state="succeeded", item=item_document(0, faithfulness=0.25))) as client:
        prediction = client.predict(tmp_path / "1.png")

    assert (prediction.label, prediction.confidence, prediction.job_id) == ("Sneaker", 0.75, JOB_ID)
    assert prediction.faithfulness == 0.25


def test_a_deferred_failure_is_the_same_problem_as_an_immediate_one(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")

    with client_of(deferring(state="failed", item=item_document(1))) as client, pytest.raises(Problem) as refused:
        client.predict(tmp_path / "1.png")

    assert (refused.value.status, refused.value.code) == (415, "truncated_image")


def test_predict_refuses_a_zip_and_names_the_command_that_takes_it(tmp_path: Path) -> None:
    (tmp_path / "1.zip").write_bytes(b"PK")

    with (
        client_of(lambda exchange: None) as client,
        pytest.raises(InvalidUpload, match=r"is a ZIP file.* batchlight submit .*1\.zip --wait"),
    ):
        client.predict(tmp_path / "1.zip")

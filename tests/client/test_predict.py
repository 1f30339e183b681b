import json
from pathlib import Path

import pytest

from batchlight import InvalidUpload, Problem
from tests.client.documents import JOB_ID, item_document, job_document
from tests.client.scripted_server import Exchange, Script, client_of


def promising(*, state: str, item: dict[str, object]) -> Script:
    """A busy server: /predict answers 202 with the address of a job, which has one item."""
    job = job_document(state=state, total=1)

    def promise(exchange: Exchange) -> None:
        exchange.rfile.read(exchange.length)
        if exchange.command == "POST":
            exchange.reply(202, b"{}", {"Location": f"/v1/jobs/{JOB_ID}"})
        else:
            exchange.reply(200, json.dumps(item if "items" in exchange.path else job).encode())

    return promise


def test_a_prediction_that_the_server_promised_for_later_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")

    with client_of(promising(state="succeeded", item=item_document(0, faithfulness=0.25))) as client:
        prediction = client.predict(tmp_path / "1.png")

    assert (prediction.label, prediction.confidence, prediction.job_id) == ("Sneaker", 0.75, JOB_ID)
    assert prediction.faithfulness == 0.25


def test_a_late_failure_is_the_problem_it_would_have_been_at_once(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")

    with client_of(promising(state="failed", item=item_document(1))) as client, pytest.raises(Problem) as refused:
        client.predict(tmp_path / "1.png")

    assert (refused.value.status, refused.value.code) == (415, "truncated_image")


def test_a_zip_or_a_folder_of_many_is_no_one_image(tmp_path: Path) -> None:
    (tmp_path / "1.zip").write_bytes(b"PK")

    with client_of(lambda exchange: None) as client, pytest.raises(InvalidUpload, match="submit them as a job"):
        client.predict(tmp_path / "1.zip")

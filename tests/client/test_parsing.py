import json
from datetime import UTC, datetime

import pytest

from batchlight import Cam, Item, Job, JobState, Page, Queue, Skipped, UnexpectedResponse
from batchlight.parsing import parse, to_json
from tests.client.documents import item_document, job_document

SOURCE = "http://127.0.0.1:8000/v1/jobs/1"


def read_job(document: object) -> Job:
    return parse(Job, json.dumps(document).encode(), source=SOURCE)


def test_a_job_is_read_whole() -> None:
    job = read_job(job_document(state="partially_succeeded", succeeded=2, failed=1))

    assert job.ended
    assert not job.succeeded
    assert (job.run, job.queue) == (1, Queue.BULK)
    assert job.counts.ended == 3
    assert job.ended_at == datetime(2026, 1, 2, 3, 4, 7, 500_000, tzinfo=UTC)
    assert job.skipped == (Skipped(name=".DS_Store", reason="hidden"),)
    assert str(job.model) == "fashion-mnist/1.0.0/fp32"


def test_a_failed_item_has_no_prediction() -> None:
    item = parse(Item, json.dumps(item_document(1)).encode(), source=SOURCE)

    assert (item.label, item.top_k, item.cam) == (None, None, None)


def test_fields_and_states_of_a_later_server_are_accepted() -> None:
    job = read_job({**job_document(state="paused"), "mood": {"good": True}})

    assert (job.state, job.ended) == ("paused", True)
    assert json.loads(to_json(job))["state"] == "paused"


def test_a_state_is_a_member_of_the_enumeration_and_equals_its_text() -> None:
    state = read_job(job_document(state="running")).state

    assert state == "running"
    assert state is JobState.RUNNING


def test_a_missing_field_is_named() -> None:
    document = job_document()
    del document["counts"]

    with pytest.raises(UnexpectedResponse, match=r"v1/jobs/1 .* missing required field `counts`"):
        read_job(document)


def test_a_field_of_another_type_is_named_by_its_path() -> None:
    with pytest.raises(UnexpectedResponse, match=r"Expected `int`, got `str` - at `\$\.counts\.total`"):
        read_job({**job_document(), "counts": {"total": "many"}})


def test_a_field_inside_a_page_is_named_by_its_path() -> None:
    page = {"data": [job_document(), {**job_document(), "id": 7}], "next": None}

    with pytest.raises(UnexpectedResponse, match=r"at `\$\.data\[1\]\.id`"):
        parse(Page[Job], json.dumps(page).encode(), source=SOURCE)


@pytest.mark.parametrize("document", [None, [], "job", {**job_document(), "created_at": "yesterday"}])
def test_a_document_that_is_not_a_job_is_refused(document: object) -> None:
    with pytest.raises(UnexpectedResponse, match="pip install"):
        read_job(document)


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"id": "\xff"}', b"{"])
def test_content_that_is_not_json_is_refused(content: bytes) -> None:
    with pytest.raises(UnexpectedResponse, match=r"is not JSON\. Is this a Batchlight server"):
        parse(Job, content, source=SOURCE)


def test_integers_are_accepted_as_floats() -> None:
    cam = parse(Cam, b'{"height": 1, "width": 2, "values": [0, 1.5]}', source=SOURCE)

    assert cam.values == (0.0, 1.5)


def test_json_is_written_as_the_api_wrote_it() -> None:
    document = job_document(state="succeeded", succeeded=3)

    written = json.loads(to_json(read_job(document)))

    assert written == {**document, "ended_at": "2026-01-02T03:04:07.500000Z"}

import json
from datetime import UTC, datetime

import pytest

from batchlight import Cam, Job, Skipped, UnexpectedAnswer
from batchlight.parsing import parse, to_json
from tests.client.documents import job_document


def test_a_job_is_read_whole() -> None:
    job = parse(Job, job_document(state="partially_succeeded", succeeded=2, failed=1))

    assert job.ended
    assert not job.succeeded
    assert job.counts.ended == 3
    assert job.ended_at == datetime(2026, 1, 2, 3, 4, 7, 500_000, tzinfo=UTC)
    assert job.skipped == (Skipped(name=".DS_Store", reason="hidden"),)
    assert str(job.model) == "fashion-mnist/1.0.0/fp32"


def test_fields_and_states_of_a_later_server_are_no_trouble() -> None:
    job = parse(Job, {**job_document(state="paused"), "mood": {"good": True}})

    assert (job.state, job.ended) == ("paused", True)


def test_a_missing_field_is_named() -> None:
    document = job_document()
    del document["counts"]

    with pytest.raises(UnexpectedAnswer, match="no field counts"):
        parse(Job, document)


def test_a_field_of_another_type_is_named() -> None:
    with pytest.raises(UnexpectedAnswer, match=r"'many' as counts\.total"):
        parse(Job, {**job_document(), "counts": {"total": "many"}})


@pytest.mark.parametrize("document", [None, [], "job", {"created_at": "yesterday"}])
def test_what_is_no_job_is_never_taken_for_one(document: object) -> None:
    with pytest.raises(UnexpectedAnswer):
        parse(Job, document)


def test_numbers_without_a_fraction_are_numbers() -> None:
    assert parse(Cam, {"height": 1, "width": 2, "values": [0, 1.5]}).values == (0.0, 1.5)


def test_json_comes_out_as_it_went_in() -> None:
    document = job_document(state="succeeded", succeeded=3)

    written = json.loads(to_json(parse(Job, document)))

    assert written == {**document, "ended_at": "2026-01-02T03:04:07.500000Z"}

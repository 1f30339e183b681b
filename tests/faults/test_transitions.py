"""An API that dies right after it has cancelled, retried or deleted a job: the committed change takes effect."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.failpoints import Point
from maintenance.orphan_collector import collect_orphans
from tests.faults.harness import FaultHarness
from tests.faults.observed_job import ObservedJob
from tests.faults.replicas import Replica, second_api
from tests.http import submit_zip, zipped

IMAGES = 900


@pytest.fixture
def api(harness: FaultHarness, tmp_path: Path) -> Iterator[Replica]:
    """The API that dies."""
    with second_api(harness, tmp_path) as replica:
        yield replica


def die_at(point: Point, harness: FaultHarness, job: ObservedJob, api: Replica, *, method: str, path: str = "") -> None:
    """Send this request for the job to an API that dies at this point."""
    harness.failpoints.inject(point, "kill")
    with api.client() as client, pytest.raises(httpx.TransportError):
        client.request(method, f"/v1/jobs/{job.id}{path}")
    assert len(harness.failpoints.hits(point)) == 1


@pytest.mark.fast_fault
def test_a_committed_cancellation_takes_effect(harness: FaultHarness, api: Replica) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        die_at(Point.CANCEL_COMMITTED, harness, job, api, method="POST", path="/cancel")
        began_s = time.monotonic()

        assert job.wait_for_end()["state"] == "cancelled"

        harness.note("27 API killed at cancel-committed", seconds=time.monotonic() - began_s, limit_s=10)


def test_a_committed_retry_runs(harness: FaultHarness, api: Replica) -> None:
    images = {**harness.images(200), "bad.png": b"no image"}
    with harness.job(len(images), images=images, expected_failures=1) as job:
        job.wait_for_end()
        die_at(Point.RETRY_COMMITTED, harness, job, api, method="POST", path="/retry")
        began_s = time.monotonic()

        done = job.wait_for_end()

        harness.note("27 API killed at retry-committed", seconds=time.monotonic() - began_s, limit_s=10)
    assert (done["run"], done["state"]) == (2, "partially_succeeded")


def test_a_committed_deletion_leaves_only_orphans(harness: FaultHarness, api: Replica) -> None:
    files = harness.files()
    with harness.stack.client() as client:
        job = harness.observe(submit_zip(client, zipped(harness.images(IMAGES))).json()["id"], client)
        die_at(Point.DELETE_COMMITTED, harness, job, api, method="DELETE")

        assert client.get(f"/v1/jobs/{job.id}/items").status_code == 410

    assert harness.files() - files
    collect_orphans(harness.stack.database, harness.storage, older_than_s=0)
    assert harness.files() <= files
    harness.note("27 API killed at delete-committed")

"""An API that dies right after it has cancelled, retried or deleted a job: what was committed comes to pass."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from core.failpoints import Point
from maintenance.orphan_collector import collect_orphans
from tests.faults.ground import Ground, Run
from tests.faults.replicas import Replica, second_api
from tests.http import submit_zip, zipped

IMAGES = 900


@pytest.fixture
def api(ground: Ground, tmp_path: Path) -> Iterator[Replica]:
    """The API that dies."""
    with second_api(ground, tmp_path) as replica:
        yield replica


def die_at(point: Point, run: Run, api: Replica, *, method: str, path: str = "") -> None:
    """Has the API do this to the job, and die where the fault is planted."""
    run.ground.plant(point, "kill")
    with api.client() as client, pytest.raises(httpx.TransportError):
        client.request(method, f"/v1/jobs/{run.id}{path}")
    assert len(run.ground.struck(point)) == 1


@pytest.mark.core
def test_a_cancellation_that_was_committed_holds(ground: Ground, api: Replica) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        die_at(Point.CANCEL_COMMITTED, run, api, method="POST", path="/cancel")
        began_s = time.monotonic()

        assert run.end()["state"] == "cancelled"

        ground.note("27 API killed at cancel-committed", seconds=time.monotonic() - began_s, limit_s=10)


def test_a_retry_that_was_committed_runs(ground: Ground, api: Replica) -> None:
    images = {**ground.images(200), "bad.png": b"no image"}
    with ground.job(len(images), images=images, planted=1) as run:
        run.end()
        die_at(Point.RETRY_COMMITTED, run, api, method="POST", path="/retry")
        began_s = time.monotonic()

        done = run.end()

        ground.note("27 API killed at retry-committed", seconds=time.monotonic() - began_s, limit_s=10)
    assert (done["run"], done["state"]) == (2, "partially_succeeded")


def test_a_deletion_that_was_committed_leaves_only_orphans(ground: Ground, api: Replica) -> None:
    files = ground.files()
    with ground.stack.client() as client:
        run = Run(ground, client, submit_zip(client, zipped(ground.images(IMAGES))).json()["id"])
        die_at(Point.DELETE_COMMITTED, run, api, method="DELETE")

        assert client.get(f"/v1/jobs/{run.id}/items").status_code == 410

    assert ground.files() - files
    collect_orphans(ground.stack.database, ground.storage, older_than_s=0)
    assert ground.files() <= files
    ground.note("27 API killed at delete-committed")

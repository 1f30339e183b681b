"""An API that dies during an upload: the job is accepted completely, or not at all."""

import time
from pathlib import Path

import httpx
import pytest

from core.failpoints import Point
from maintenance.orphan_collector import collect_orphans
from tests.faults.harness import FaultHarness
from tests.faults.replicas import second_api
from tests.http import submit_zip, zipped

IMAGES = 200
BEFORE_THE_COMMIT = [
    ("sqlite", Point.OBJECT_WRITTEN),
    ("sqlite", Point.OBJECT_SYNCED),
    ("sqlite", Point.OBJECT_NAMED),
    ("sqlite", Point.UPLOAD_STORED),
    ("sqlite", Point.ROWS_WRITTEN),
    ("postgres", Point.ROWS_WRITTEN),
]
AFTER_THE_COMMIT = [Point.SUBMIT_COMMITTED, Point.NOTIFICATION_SENT]


def die_at(point: Point, harness: FaultHarness, folder: Path) -> None:
    """Submit a job of several shards to an API that dies at this point, of object points at the second object."""
    harness.failpoints.inject(point, "about shards/000002 kill" if point.startswith("object") else "kill")
    with (
        second_api(harness, folder) as api,
        api.client() as client,
        pytest.raises(httpx.TransportError),
    ):
        submit_zip(client, zipped(harness.images(IMAGES)))
    assert len(harness.failpoints.hits(point)) == 1


@pytest.mark.parametrize(("harness", "point"), BEFORE_THE_COMMIT, indirect=["harness"])
def test_an_upload_interrupted_before_its_commit_leaves_only_orphans(
    harness: FaultHarness, point: Point, tmp_path: Path
) -> None:
    jobs, files = harness.jobs(), harness.files()

    die_at(point, harness, tmp_path)

    assert harness.jobs() == jobs
    collect_orphans(harness.stack.database, harness.storage, older_than_s=0)
    assert harness.files() <= files
    harness.note(f"27 API killed at {point}")


@pytest.mark.fast_fault
@pytest.mark.parametrize("point", AFTER_THE_COMMIT)
def test_an_upload_interrupted_after_its_commit_runs_to_its_end(
    harness: FaultHarness, point: Point, tmp_path: Path
) -> None:
    jobs = harness.jobs()

    die_at(point, harness, tmp_path)

    (job_id,) = harness.jobs() - jobs
    with harness.stack.client() as client, harness.observed(job_id, client) as job:
        with job.fault(f"27 API killed at {point}", limit_s=10):
            pass
        assert job.wait_for_end()["counts"]["succeeded"] == IMAGES


def test_a_killed_api_is_restarted_soon(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        harness.process("api").kill()
        began_s = time.monotonic()
        job.wait_for_end()
    harness.note("27 API killed while a job runs", seconds=time.monotonic() - began_s, limit_s=20)

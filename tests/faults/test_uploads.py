"""An API that dies in the middle of an upload: the job is accepted whole, or not at all."""

import time
from pathlib import Path

import httpx
import pytest

from core.failpoints import Point
from maintenance.orphan_collector import collect_orphans
from tests.faults.ground import Ground
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


def die_at(point: Point, ground: Ground, folder: Path) -> None:
    """Submits a job of several shards to an API that dies here, at the second object where there is one."""
    ground.plant(point, "about shards/000002 kill" if point.startswith("object") else "kill")
    with (
        second_api(ground, folder) as api,
        api.client() as client,
        pytest.raises(httpx.TransportError),
    ):
        submit_zip(client, zipped(ground.images(IMAGES)))
    assert len(ground.struck(point)) == 1


@pytest.mark.parametrize(("ground", "point"), BEFORE_THE_COMMIT, indirect=["ground"])
def test_an_upload_that_died_before_its_commit_was_never_there(ground: Ground, point: Point, tmp_path: Path) -> None:
    jobs, files = ground.jobs(), ground.files()

    die_at(point, ground, tmp_path)

    assert ground.jobs() == jobs
    collect_orphans(ground.stack.database, ground.storage, older_than_s=0)
    assert ground.files() <= files
    ground.note(f"27 API killed at {point}")


@pytest.mark.core
@pytest.mark.parametrize("point", AFTER_THE_COMMIT)
def test_an_upload_that_died_after_its_commit_runs_to_its_end(ground: Ground, point: Point, tmp_path: Path) -> None:
    jobs = ground.jobs()

    die_at(point, ground, tmp_path)

    (job_id,) = ground.jobs() - jobs
    with ground.stack.client() as client, ground.watched(job_id, client) as run:
        with run.fault(f"27 API killed at {point}", limit_s=10):
            pass
        assert run.end()["counts"]["succeeded"] == IMAGES


def test_a_killed_api_is_back_soon(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        ground.worker("api").kill()
        began_s = time.monotonic()
        run.end()
    ground.note("27 API killed while a job runs", seconds=time.monotonic() - began_s, limit_s=20)

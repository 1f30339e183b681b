"""A worker that dies while it builds an archive: the archive is built again, and no incomplete one is served."""

import time

import pytest

from core.failpoints import Point
from tests.faults.downloads import check_archive
from tests.faults.harness import FaultHarness

IMAGES = 300
"""More than the worker reads from the database at a time."""

STEPS = {
    Point.ARCHIVE_CLAIMED: "kill",
    Point.ARCHIVE_PART_WRITTEN: "kill",
    Point.OBJECT_WRITTEN: "about archives kill",
    Point.OBJECT_SYNCED: "about archives kill",
    Point.OBJECT_NAMED: "about archives kill",
    Point.ARCHIVE_STORED: "kill",
    Point.ARCHIVE_COMMITTED: "kill",
}


@pytest.mark.parametrize(
    ("harness", "point"),
    [
        *(("sqlite", point) for point in STEPS),
        ("postgres", Point.ARCHIVE_STORED),
        ("postgres", Point.ARCHIVE_COMMITTED),
    ],
    indirect=["harness"],
)
def test_an_archive_whose_builder_dies_is_built_again(harness: FaultHarness, point: Point) -> None:
    images = harness.images(IMAGES)
    with harness.job(IMAGES) as job:
        job.wait_for_end()
        harness.failpoints.inject(point, STEPS[point])
        request = job.client.get(f"/v1/jobs/{job.id}/archive")
        harness.failpoints.wait_for_hit(point)
        died_s = time.monotonic()

        check_archive(job, images)

        harness.note(f"28 builder killed at {point}", seconds=time.monotonic() - died_s, limit_s=20)
    assert request.status_code == 202

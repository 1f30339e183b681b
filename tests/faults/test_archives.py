"""A builder of archives that dies: the archive is built anew, and none that is short is ever served."""

import time

import pytest

from core.failpoints import Point
from tests.faults.downloads import check_archive
from tests.faults.ground import Ground

IMAGES = 300
"""More than a page of the builder's."""

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
    ("ground", "point"),
    [
        *(("sqlite", point) for point in STEPS),
        ("postgres", Point.ARCHIVE_STORED),
        ("postgres", Point.ARCHIVE_COMMITTED),
    ],
    indirect=["ground"],
)
def test_an_archive_whose_builder_dies_is_built_anew(ground: Ground, point: Point) -> None:
    images = ground.images(IMAGES)
    with ground.job(IMAGES) as run:
        run.end()
        ground.plant(point, STEPS[point])
        asked = run.client.get(f"/v1/jobs/{run.id}/archive")
        run.struck(point)
        died_s = time.monotonic()

        check_archive(run, images)

        ground.note(f"28 builder killed at {point}", seconds=time.monotonic() - died_s, limit_s=20)
    assert asked.status_code == 202

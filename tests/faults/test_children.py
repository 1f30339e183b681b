"""Faults of a worker's child process: killed at any line, killed by an image, hung, out of memory."""

import io

import pytest
from PIL import Image

from core.failpoints import Point
from tests.faults.harness import FaultHarness

IMAGES = 900
POISON = "poison.png"

POINTS = [
    Point.SHARD_CLAIMED,
    Point.IMAGE_DECODED,
    Point.BATCH_INFERRED,
    Point.SHARD_INFERRED,
    Point.SHARD_CLOSED,
    pytest.param(Point.ITEMS_WRITTEN, marks=pytest.mark.fast_fault),
    Point.SHARD_FINISHED,
    Point.SHARD_COMMITTED,
]


@pytest.mark.parametrize("point", POINTS)
def test_a_child_killed_at_any_line_costs_one_attempt(harness: FaultHarness, point: Point) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with job.fault(f"2 child killed at {point}", limit_s=3):
            harness.failpoints.inject(point, "kill")
            harness.failpoints.wait_for_hit(point)

    assert max(shard.attempt for shard in job.shards()) <= 2
    assert sum(shard.crashes for shard in job.shards()) <= 1


def test_a_child_killed_while_it_renews_its_lease_costs_one_attempt(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        harness.failpoints.inject(Point.BATCH_INFERRED, "sleep 5")
        with job.fault(f"2 child killed at {Point.LEASE_RENEWED}", limit_s=3):
            harness.failpoints.inject(Point.LEASE_RENEWED, "kill")
            harness.failpoints.wait_for_hit(Point.LEASE_RENEWED)

    assert max(shard.attempt for shard in job.shards()) == 2


@pytest.mark.fast_fault
def test_a_poison_image_fails_alone(harness: FaultHarness) -> None:
    images = harness.images(150)
    images[POISON] = next(iter(images.values()))
    harness.failpoints.inject(Point.IMAGE_DECODED, f"about {POISON} always kill")

    with harness.job(len(images), images=images, expected_failures=1) as job:
        job.wait_for_end()

    (failed,) = job.failures()
    assert (failed.name, failed.error_code) == (POISON, "crashed_worker")
    harness.note("3 a child killed by one image every time")


def test_a_hung_child_is_killed_at_the_time_limit(harness: FaultHarness) -> None:
    limit_s = harness.stack.settings.shard_limit_s
    with harness.job(IMAGES) as job:
        harness.failpoints.inject(Point.IMAGE_DECODED, "hang")
        harness.failpoints.wait_for_hit(Point.IMAGE_DECODED)
        with job.fault(f"34 child hung (its limit here: {limit_s} s)", limit_s=limit_s + 3):
            pass

    assert max(shard.attempt for shard in job.shards()) == 2


def test_an_image_that_exceeds_the_memory_limit_fails_alone(harness: FaultHarness) -> None:
    images = harness.images(150)
    images["huge.png"] = huge_png()

    with harness.job(len(images), images=images, expected_failures=1) as job:
        job.wait_for_end()

    (failed,) = job.failures()
    assert failed.name == "huge.png"
    harness.note("33 an image over a child's memory")


def huge_png() -> bytes:
    """Return 49 megapixels with transparency: 200 MB decoded and as much again as RGB, in a few kilobytes."""
    buffer = io.BytesIO()
    Image.new("RGBA", (7000, 7000)).save(buffer, "PNG")
    return buffer.getvalue()

"""Faults of a pool child: killed at any line, poisoned, hung, out of memory."""

import io

import pytest
from PIL import Image

from core.failpoints import Point
from tests.faults.ground import Ground

IMAGES = 900
POISON = "poison.png"

LINES = [
    Point.SHARD_CLAIMED,
    Point.IMAGE_DECODED,
    Point.BATCH_INFERRED,
    Point.SHARD_INFERRED,
    Point.SHARD_CLOSED,
    pytest.param(Point.ITEMS_WRITTEN, marks=pytest.mark.core),
    Point.SHARD_FINISHED,
    Point.SHARD_COMMITTED,
]


@pytest.mark.parametrize("point", LINES)
def test_a_child_killed_at_any_line_costs_one_attempt(ground: Ground, point: Point) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with run.fault(f"2 child killed at {point}", limit_s=3):
            ground.plant(point, "kill")
            run.struck(point)

    assert max(shard.attempt for shard in run.shards()) <= 2
    assert sum(shard.crashes for shard in run.shards()) <= 1


def test_a_child_killed_while_it_renews_its_lease_costs_one_attempt(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        ground.plant(Point.BATCH_INFERRED, "sleep 5")
        with run.fault(f"2 child killed at {Point.LEASE_RENEWED}", limit_s=3):
            ground.plant(Point.LEASE_RENEWED, "kill")
            run.struck(Point.LEASE_RENEWED)

    assert max(shard.attempt for shard in run.shards()) == 2


@pytest.mark.core
def test_a_poisonous_image_fails_alone(ground: Ground) -> None:
    images = ground.images(150)
    images[POISON] = next(iter(images.values()))
    ground.plant(Point.IMAGE_DECODED, f"about {POISON} always kill")

    with ground.job(len(images), images=images, planted=1) as run:
        run.end()

    (failed,) = run.failures()
    assert (failed.name, failed.error_code) == (POISON, "crashed_worker")
    ground.note("3 a child killed by one image every time")


def test_a_hung_child_is_killed_for_its_time(ground: Ground) -> None:
    limit_s = ground.stack.settings.shard_limit_s
    with ground.job(IMAGES) as run:
        ground.plant(Point.IMAGE_DECODED, "hang")
        run.struck(Point.IMAGE_DECODED)
        with run.fault(f"34 child hung (its limit here: {limit_s} s)", limit_s=limit_s + 3):
            pass

    assert max(shard.attempt for shard in run.shards()) == 2


def test_an_image_that_takes_too_much_memory_fails_alone(ground: Ground) -> None:
    images = ground.images(150)
    images["huge.png"] = huge_png()

    with ground.job(len(images), images=images, planted=1) as run:
        run.end()

    (failed,) = run.failures()
    assert failed.name == "huge.png"
    ground.note("33 an image over a child's memory")


def huge_png() -> bytes:
    """49 megapixels with transparency: 200 MB decoded, as much again as RGB, in a file of some kilobytes."""
    buffer = io.BytesIO()
    Image.new("RGBA", (7000, 7000)).save(buffer, "PNG")
    return buffer.getvalue()

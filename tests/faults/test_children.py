"""Faults of a pool child: killed, hung, out of memory, poisoned."""

from core.failpoints import Point
from tests.faults.ground import Ground

IMAGES = 900


def test_a_killed_child_costs_one_attempt(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        ground.plant(Point.BATCH_INFERRED, "kill")
        run.struck(Point.BATCH_INFERRED)
        with run.fault("2 child killed in the middle of a shard", limit_s=3):
            pass

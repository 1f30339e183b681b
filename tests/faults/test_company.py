"""Faults of a child that holds the shards of several callers."""

from collections.abc import Sequence

import httpx

from core.failpoints import Point
from tests.faults.ground import Ground, Run
from tests.http import submit

VICTIM = "victim.png"


def company_with_a_victim(ground: Ground, client: httpx.Client) -> list[Run]:
    """Jobs of one image each that wait together, because the worker comes late to what it claimed before them."""
    data = next(iter(ground.samples.values()))
    ground.plant(Point.SHARD_CLAIMED, "sleep 2")
    first = submit(client, {"first.png": data})
    ground.await_strike(Point.SHARD_CLAIMED)
    rest = [submit(client, {name: data}) for name in ("1.png", "2.png", VICTIM, "4.png", "5.png")]
    return [Run(ground, client, job["id"]) for job in (first, *rest)]


def checked(runs: Sequence[Run], *, planted: Sequence[int] = ()) -> list[int]:
    """The attempts that each took, after each was found to be complete."""
    for place, run in enumerate(runs):
        run.end()
        run.ground.check(run, planted=int(place in planted))
    return [shard.attempt for run in runs for shard in run.shards()]


def test_a_killed_child_gives_back_every_callers_shard(ground: Ground) -> None:
    ground.plant(Point.IMAGE_DECODED, f"about {VICTIM} kill")

    with ground.stack.client() as client:
        attempts = checked(company_with_a_victim(ground, client))

    assert attempts == [1, 2, 2, 2, 2, 2]


def test_a_poisonous_image_in_company_fails_alone(ground: Ground) -> None:
    ground.plant(Point.IMAGE_DECODED, f"about {VICTIM} always kill")

    with ground.stack.client() as client:
        runs = company_with_a_victim(ground, client)
        attempts = checked(runs, planted=[3])

    (failed,) = runs[3].failures()
    assert failed.error_code == "crashed_worker"
    assert attempts == [1, 2, 2, 4, 2, 2]

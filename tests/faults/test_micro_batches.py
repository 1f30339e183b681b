"""Faults of a child process that holds the shards of several jobs in one micro-batch."""

from collections.abc import Sequence

import httpx

from core.failpoints import Point
from tests.faults.harness import FaultHarness
from tests.faults.observed_job import ObservedJob
from tests.http import submit

VICTIM = "victim.png"


def micro_batch_with_a_victim(harness: FaultHarness, client: httpx.Client) -> list[ObservedJob]:
    """Submit jobs of one image each that form a micro-batch, because the worker is held up by the first of them."""
    data = next(iter(harness.samples.values()))
    harness.failpoints.inject(Point.SHARD_CLAIMED, "sleep 2")
    first = submit(client, {"first.png": data})
    harness.failpoints.wait_for_hit(Point.SHARD_CLAIMED)
    rest = [submit(client, {name: data}) for name in ("1.png", "2.png", VICTIM, "4.png", "5.png")]
    return [harness.observe(job["id"], client) for job in (first, *rest)]


def checked(harness: FaultHarness, jobs: Sequence[ObservedJob], *, failing: Sequence[int] = ()) -> list[int]:
    """Check every job once it has ended, of which those at the places `failing` must fail; return their attempts."""
    for number, job in enumerate(jobs):
        job.wait_for_end()
        harness.check(job, expected_failures=int(number in failing))
    return [shard.attempt for job in jobs for shard in job.shards()]


def test_a_killed_child_releases_the_shard_of_every_job(harness: FaultHarness) -> None:
    harness.failpoints.inject(Point.IMAGE_DECODED, f"about {VICTIM} kill")

    with harness.stack.client() as client:
        attempts = checked(harness, micro_batch_with_a_victim(harness, client))

    assert attempts == [1, 2, 2, 2, 2, 2]


def test_a_poison_image_in_a_micro_batch_fails_alone(harness: FaultHarness) -> None:
    harness.failpoints.inject(Point.IMAGE_DECODED, f"about {VICTIM} always kill")

    with harness.stack.client() as client:
        jobs = micro_batch_with_a_victim(harness, client)
        attempts = checked(harness, jobs, failing=[3])

    (failed,) = jobs[3].failures()
    assert failed.error_code == "crashed_worker"
    assert attempts == [1, 2, 2, 4, 2, 2]
    harness.note("3 a poison image in a micro-batch")

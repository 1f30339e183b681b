"""Stored uploads that the disk lost or changed: their images fail with a code, and the job continues."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.harness import SHARD_IMAGES, FaultHarness
from tests.http import submit_zip, zipped

FIRST_IMAGE_AT = 100
"""The offset of a byte of the first image in a shard object."""


@contextmanager
def suspended_workers(harness: FaultHarness) -> Iterator[None]:
    """Suspend the worker and its children while the block runs, for less than a lease."""
    worker = harness.process()
    processes = [worker, *worker.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def objects(harness: FaultHarness, job_id: str) -> list[Path]:
    return sorted(harness.storage.path(f"jobs/{job_id}/shards").glob("*.shard"))


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[FIRST_IMAGE_AT] ^= 1
    file.write_bytes(content)


@pytest.mark.fast_fault
def test_objects_that_are_missing_truncated_changed_or_swapped_fail_only_their_images(harness: FaultHarness) -> None:
    with harness.stack.client() as client:
        with suspended_workers(harness):
            job_id: str = submit_zip(client, zipped(harness.images(5 * SHARD_IMAGES))).json()["id"]
            missing, truncated, changed, swapped, intact = objects(harness, job_id)
            missing.unlink()
            truncated.write_bytes(truncated.read_bytes()[:-200])
            flip(changed)
            swapped.write_bytes(intact.read_bytes())
        with harness.observed(job_id, client, check_after=False) as job:
            job.wait_for_end()

    shards = Counter((item.index // SHARD_IMAGES, item.error_code) for item in job.failures())
    assert shards == {
        (0, "object_missing"): SHARD_IMAGES,
        (1, "object_corrupt"): SHARD_IMAGES,
        (2, "object_corrupt"): 1,
        (3, "object_corrupt"): SHARD_IMAGES,
    }
    assert (job.row().succeeded, job.row().failed) == (2 * SHARD_IMAGES - 1, 3 * SHARD_IMAGES + 1)

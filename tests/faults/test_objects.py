"""Stored uploads that the disk lost or changed: their images fail with a code, the job goes on."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.ground import SHARD_IMAGES, Ground
from tests.http import submit_zip, zipped

FIRST_IMAGE_AT = 100
"""A byte of a shard's first image, behind its ZIP header."""


@contextmanager
def nobody_works(ground: Ground) -> Iterator[None]:
    """Freezes the worker and its children, for less than a lease."""
    worker = ground.worker()
    frozen = [worker, *worker.children()]
    for process in frozen:
        process.suspend()
    try:
        yield
    finally:
        for process in frozen:
            process.resume()


def objects(ground: Ground, job_id: str) -> list[Path]:
    return sorted(ground.storage.path(f"jobs/{job_id}/shards").glob("*.zip"))


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[FIRST_IMAGE_AT] ^= 1
    file.write_bytes(content)


@pytest.mark.core
def test_objects_that_are_missing_cut_short_changed_or_another_fail_only_their_images(ground: Ground) -> None:
    with ground.stack.client() as client:
        with nobody_works(ground):
            job: str = submit_zip(client, zipped(ground.images(5 * SHARD_IMAGES))).json()["id"]
            missing, short, changed, another, whole = objects(ground, job)
            missing.unlink()
            short.write_bytes(short.read_bytes()[:-200])
            flip(changed)
            another.write_bytes(whole.read_bytes())
        with ground.watched(job, client, check_after=False) as run:
            run.end()

    shards = Counter((item.index // SHARD_IMAGES, item.error_code) for item in run.failures())
    assert shards == {
        (0, "object_missing"): SHARD_IMAGES,
        (1, "object_corrupt"): SHARD_IMAGES,
        (2, "object_corrupt"): 1,
        (3, "object_corrupt"): SHARD_IMAGES,
    }
    assert (run.row().succeeded, run.row().failed) == (2 * SHARD_IMAGES - 1, 3 * SHARD_IMAGES + 1)

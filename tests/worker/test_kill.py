"""Whatever is killed: every image ends in exactly one item."""

import os
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest

from core.settings import Settings
from tests.http import all_items, ended, paths, submit_zip, zipped
from tests.stacks import RunningStack

COPIES = 8


@pytest.fixture(scope="module")
def many(samples: list[Path]) -> dict[str, bytes]:
    """2,400 images: the samples, eight times over."""
    return {f"{copy}/{name}": data for copy in range(COPIES) for name, data in paths(samples).items()}


def started(client: httpx.Client, many: dict[str, bytes]) -> dict[str, object]:
    """A job of which some images are done and some are running."""
    job: dict[str, object] = submit_zip(client, zipped(many)).json()
    until = time.monotonic() + 30
    while True:
        counts = client.get(f"/v1/jobs/{job['id']}").json()["counts"]
        if counts["succeeded"] and counts["running"]:
            return job
        assert time.monotonic() < until, f"the job did not start: {counts}"
        time.sleep(0.01)


def children(stack: RunningStack) -> list[psutil.Process]:
    return psutil.Process(stack.supervisor.pids()["worker-bulk"]).children()


def undisturbed(client: httpx.Client, many: dict[str, bytes]) -> list[tuple[object, object]]:
    job = ended(client, submit_zip(client, zipped(many)).json())
    return [(item["index"], item["label"]) for item in all_items(client, job)]


def test_a_worker_killed_in_the_middle_costs_no_image(stack: RunningStack, many: dict[str, bytes]) -> None:
    with stack.client() as client:
        expected = undisturbed(client, many)
        job = started(client, many)
        orphans = children(stack)

        os.kill(stack.supervisor.pids()["worker-bulk"], signal.SIGKILL)
        done = ended(client, job, timeout_s=90)

        items = all_items(client, job)
    assert (done["state"], done["counts"]["succeeded"]) == ("succeeded", len(many))
    assert [(item["index"], item["label"]) for item in items] == expected
    assert max(item["attempt"] for item in items) == 2
    assert not any(orphan.is_running() for orphan in orphans)


def test_a_killed_child_frees_its_shard_before_the_lease_ends(stack: RunningStack, many: dict[str, bytes]) -> None:
    lease_s = Settings.model_fields["lease_s"].default
    with stack.client() as client:
        job = started(client, many)

        killed_at = time.monotonic()
        for child in children(stack):
            child.send_signal(signal.SIGKILL)
        done = ended(client, job, timeout_s=60)

        items = all_items(client, job)
    assert (done["state"], done["counts"]["succeeded"], len(items)) == ("succeeded", len(many), len(many))
    assert {item["attempt"] for item in items} == {1, 2}
    assert time.monotonic() - killed_at < lease_s

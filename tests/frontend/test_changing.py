"""Stopping a job and trying its failed images again, in a real browser."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.frontend.pages import ready_job, submit
from tests.http import ended, paths, zipped
from tests.stacks import RunningStack


@contextmanager
def busy_worker(stack: RunningStack) -> Iterator[None]:
    """While the block runs, no bulk worker takes anything."""
    worker = stack.supervisor.pids()["worker-bulk"]
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def test_a_job_is_stopped_where_it_stands(tab: Page, stack: RunningStack, samples: list[Path], tmp_path: Path) -> None:
    photos = tmp_path / "photos.zip"
    photos.write_bytes(zipped(paths(samples)))

    with busy_worker(stack):
        submit(tab, photos, name="Too many")
        tab.get_by_role("button", name="Stop").click()

        expect(tab.get_by_text("Cancelled").first).to_be_visible()


def test_failed_images_are_tried_again_and_the_others_stay(
    tab: Page, stack: RunningStack, samples: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    submit(tab, samples[0], broken, name="One is broken")

    ready_job(tab).wait_for()
    tab.get_by_role("button", name="Try the failed one again").click()
    job = in_round(stack, 2)

    assert (job["name"], job["counts"]["failed"], job["counts"]["succeeded"]) == ("One is broken", 1, 1)


def in_round(stack: RunningStack, number: int) -> dict[str, Any]:
    """The newest job, once this round of it has ended."""
    until = time.monotonic() + 10
    with stack.client() as client:
        while True:
            job: dict[str, Any] = client.get("/v1/jobs", params={"limit": 1}).json()["data"][0]
            if job["round"] == number:
                return ended(client, job)
            assert time.monotonic() < until, job
            time.sleep(0.05)

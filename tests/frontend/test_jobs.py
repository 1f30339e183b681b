"""The list of jobs, a running job, and the buttons of a job, in a real browser."""

import time
from pathlib import Path

from playwright.sync_api import Page, expect

from batchlight import Client, Job
from tests.frontend.conftest import FIRST_JOBS, Opener
from tests.frontend.outages import suspended_worker
from tests.frontend.web_ui import archive_button, choose, job_row, sign_in, submit
from tests.http import paths, zipped
from tests.stacks import RunningStack

RETRY_TIMEOUT_S = 10.0
COUNT_COUNTERS = """() => {
    window.maxCounters = 0
    const count = () => {
        window.maxCounters = Math.max(window.maxCounters, document.querySelectorAll('.bl-counters').length)
    }
    new MutationObserver(count).observe(document.body, {childList: true, subtree: true})
}"""
"""Keeps the largest number of counters that the tab shows at once."""


def test_open_shows_the_job_of_its_row_and_all_jobs_leads_back(
    open_tab: Opener, stack: RunningStack, samples: list[Path]
) -> None:
    key = stack.key_of("opens-a-job")
    with Client(stack.url, key) as client:
        for name in ("First", "Second"):
            client.wait(client.submit(samples[0], name=name).id)
    tab = open_tab()
    sign_in(tab, key)
    choose(tab, "Jobs")
    expect(tab).to_have_title("Jobs · Batchlight")

    job_row(tab, "First").get_by_role("button", name="Open").click()

    expect(tab.get_by_role("heading", name="First")).to_be_visible()
    expect(archive_button(tab)).to_be_visible()
    expect(tab).to_have_title("First · Batchlight")
    assert "job=" in tab.url

    tab.get_by_role("button", name="All jobs").click()

    expect(job_row(tab, "Second")).to_be_visible()
    expect(archive_button(tab)).to_have_count(0)
    assert "job=" not in tab.url


def test_show_more_lists_older_jobs(open_tab: Opener, many_jobs_key: str) -> None:
    tab = open_tab()
    sign_in(tab, many_jobs_key)
    choose(tab, "Jobs")
    expect(tab.get_by_role("button", name="Open")).to_have_count(FIRST_JOBS)
    expect(job_row(tab, "Job number 0")).to_have_count(0)

    tab.get_by_role("button", name="Show more").click()

    expect(job_row(tab, "Job number 0")).to_be_visible()
    expect(tab.get_by_role("button", name="Show more")).to_have_count(0)


def test_stop_cancels_the_job_and_its_progress_disappears(
    tab: Page, stack: RunningStack, samples: list[Path], tmp_path: Path
) -> None:
    photos = tmp_path / "photos.zip"
    photos.write_bytes(zipped(paths(samples)))

    with suspended_worker(stack):
        submit(tab, photos, name="Too many")
        tab.locator(".bl-count-waiting").wait_for()
        tab.evaluate(COUNT_COUNTERS)
        tab.get_by_role("button", name="Stop").click()

        expect(archive_button(tab)).to_be_visible()
        expect(tab.locator(".bl-count-cancelled")).to_have_text(f"{len(samples)}Cancelled")
    assert tab.evaluate("window.maxCounters") == 1


def test_the_results_replace_the_progress_when_the_job_ends(
    tab: Page, stack: RunningStack, samples: list[Path]
) -> None:
    with suspended_worker(stack):
        submit(tab, *samples[:9], name="Ends while it is watched")
        expect(tab.get_by_text("0 of 9 images")).to_be_visible()
        tab.evaluate(COUNT_COUNTERS)

    expect(tab.locator(".bl-thumbnails img")).to_have_count(18)
    expect(tab.locator(".bl-count-classified")).to_have_text("9Classified")
    expect(tab.get_by_text("of 9 images")).to_have_count(0)
    assert tab.evaluate("window.maxCounters") == 1


def test_retry_repeats_the_failed_images_only(
    tab: Page, stack: RunningStack, samples: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    submit(tab, samples[0], broken, name="One is broken")
    archive_button(tab).wait_for()

    with Client(stack.url, stack.key) as client:
        before = newest_job(client)
        tab.get_by_role("button", name="Retry the failed image").click()
        job = ended_again(client, before)

    assert (job.name, job.counts.failed, job.counts.succeeded) == ("One is broken", 1, 1)


def newest_job(client: Client) -> Job:
    return client.jobs_page(limit=1).data[0]


def ended_again(client: Client, before: Job) -> Job:
    """The job after its next end."""
    until_s = time.monotonic() + RETRY_TIMEOUT_S
    while True:
        job = client.job(before.id)
        if job.ended_at not in (None, before.ended_at):
            return job
        assert time.monotonic() < until_s, job
        time.sleep(0.05)

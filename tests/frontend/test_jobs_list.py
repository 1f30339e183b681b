"""The list of jobs, in a real browser."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from batchlight import Client
from tests.frontend.conftest import Opener
from tests.frontend.pages import ready_job, sign_in, switch_to
from tests.stacks import RunningStack


def row(tab: Page, name: str) -> Locator:
    """The row of the job with this name."""
    return tab.locator('[class*="st-key-job-"]').filter(has_text=name)


def test_open_shows_the_job_of_its_row(open_tab: Opener, stack: RunningStack, samples: list[Path]) -> None:
    key = stack.key_of("opens-a-job")
    with Client(stack.url, key) as client:
        for name in ("First", "Second"):
            client.wait(client.submit(samples[0], name=name).id)
    tab = open_tab()
    sign_in(tab, key)
    switch_to(tab, "Jobs")

    row(tab, "First").get_by_role("button", name="Open").click()

    expect(tab.get_by_role("heading", name="First")).to_be_visible()
    expect(ready_job(tab)).to_be_visible()
    assert "job=" in tab.url

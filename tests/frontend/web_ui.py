"""The web UI's server, and what a person does in the web UI, as functions on a browser tab."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from core.settings import ROOT
from ops.ports import LOOPBACK, free_port
from ops.supervisor import Supervisor
from ops.web_ui import ui_is_ready, ui_program

START_TIMEOUT_S = 30.0
TEMPORARY = "tmp"
UPLOAD_LIMIT_MB = 2
"""Small, so that a test quickly makes a file over the limit."""


@contextmanager
def running_web_ui(api_url: str, folder: Path, *, upload_limit_mb: int = UPLOAD_LIMIT_MB) -> Iterator[str]:
    """Run the web UI in front of this API; the value is its address.

    Its log and its temporary files (in `TEMPORARY`) are in the folder. None of the latter may remain at the end.
    """
    program = ui_program(api_url, port=free_port())
    (folder / TEMPORARY).mkdir()
    more = {"STREAMLIT_SERVER_MAX_UPLOAD_SIZE": str(upload_limit_mb), "TMPDIR": str(folder / TEMPORARY)}
    address = f"http://{LOOPBACK}:{program.command[-2].rpartition('=')[2]}"
    with Supervisor(folder=ROOT, log_dir=folder, report=print) as supervisor:
        supervisor.start(replace(program, environment={**program.environment, **more}))
        until_s = time.monotonic() + START_TIMEOUT_S
        while not ui_is_ready(address):
            assert time.monotonic() < until_s, supervisor.log_tails(program)
            time.sleep(0.05)
        yield address
    assert not list((folder / TEMPORARY).iterdir()), "the web UI left temporary files"


def sign_in(tab: Page, key: str) -> None:
    tab.get_by_label("API key").fill(key)
    tab.get_by_role("button", name="Sign in").click()


def drop(tab: Page, *files: Path) -> None:
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def submit(tab: Page, *files: Path, name: str) -> None:
    """Drop the files and submit them as a job; returns when the job is shown."""
    drop(tab, *files)
    submit_dropped(tab, name=name)


def submit_dropped(tab: Page, *, name: str) -> None:
    """Submit the dropped files as a job; returns when the job is shown."""
    tab.get_by_label("Name of the job").fill(name)
    tab.get_by_role("button", name="Classify as a job").click()
    expect(tab.get_by_role("heading", name=name)).to_be_visible()


def choose(tab: Page, option: str) -> None:
    """Press one option of a segmented control."""
    tab.get_by_role("radio", name=option, exact=True).click()


def archive_button(tab: Page) -> Locator:
    """The button that only an ended job has."""
    return tab.get_by_role("button", name="Prepare the archive")


def job_row(tab: Page, name: str) -> Locator:
    """The row of the job with this name in the list of jobs."""
    return tab.locator('[class*="st-key-job-"]').filter(has_text=name)

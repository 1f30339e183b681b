"""The page's own server, and what a person does on the page, in their words."""

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

START_WAIT_S = 30.0
TEMPORARY = "tmp"
UPLOAD_LIMIT_MB = 2
"""Small, so that a file over it is quickly made."""


@contextmanager
def running_page(api_url: str, folder: Path, *, upload_limit_mb: int = UPLOAD_LIMIT_MB) -> Iterator[str]:
    """The page in front of this API; its address. What it writes down meanwhile lies in `TEMPORARY` of the folder."""
    program = ui_program(api_url, port=free_port())
    (folder / TEMPORARY).mkdir()
    more = {"STREAMLIT_SERVER_MAX_UPLOAD_SIZE": str(upload_limit_mb), "TMPDIR": str(folder / TEMPORARY)}
    address = f"http://{LOOPBACK}:{program.command[-2].rpartition('=')[2]}"
    with Supervisor(folder=ROOT, log_dir=folder, report=print) as supervisor:
        supervisor.start(replace(program, environment={**program.environment, **more}))
        until_s = time.monotonic() + START_WAIT_S
        while not ui_is_ready(address):
            assert time.monotonic() < until_s, supervisor.log_tails(program)
            time.sleep(0.05)
        yield address
    assert not list((folder / TEMPORARY).iterdir()), "the page left files behind"


def sign_in(tab: Page, key: str) -> None:
    tab.get_by_label("API key").fill(key)
    tab.get_by_role("button", name="Sign in").click()


def drop(tab: Page, *files: Path) -> None:
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files)


def submit(tab: Page, *files: Path, name: str) -> None:
    """Drops the files and starts the job; returns when its page is shown."""
    drop(tab, *files)
    start(tab, name=name)


def start(tab: Page, *, name: str) -> None:
    """Starts the job of what was dropped; returns when its page is shown."""
    tab.get_by_label("Name of the job").fill(name)
    tab.get_by_role("button", name="Classify as a job").click()
    expect(tab.get_by_role("heading", name=name)).to_be_visible()


def switch_to(tab: Page, view: str) -> None:
    tab.get_by_test_id("stButtonGroup").get_by_text(view, exact=True).click()


def ready_job(tab: Page) -> Locator:
    """What only an ended job offers."""
    return tab.get_by_role("button", name="Prepare the archive")

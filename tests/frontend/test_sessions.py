"""Keys, tabs and outages, in a real browser."""

import os
import signal
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from core.access.keys import revoke_key
from tests.frontend.conftest import Opener
from tests.frontend.gate import Gate
from tests.frontend.pages import TEMPORARY, drop, ready_job, sign_in, submit, switch_to
from tests.stacks import RunningStack

AWAY = "Batchlight does not answer right now"


def test_a_wrong_key_is_said_and_the_right_one_still_opens(open_tab: Opener, stack: RunningStack) -> None:
    tab = open_tab()
    sign_in(tab, f"{stack.key[:-4]}0000")
    expect(tab.get_by_text("This key is not accepted")).to_be_visible()

    sign_in(tab, stack.key)

    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()
    assert stack.key not in tab.url


def test_a_key_that_is_revoked_meanwhile_leads_back_to_the_door(open_tab: Opener, stack: RunningStack) -> None:
    tab, key = open_tab(), stack.key_of("brief")
    sign_in(tab, key)
    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()

    with stack.database.write.begin() as session:
        revoke_key(session, key.split("_")[1])
    switch_to(tab, "Jobs")

    expect(tab.get_by_text("This key is not accepted")).to_be_visible()
    expect(tab.get_by_label("API key")).to_be_visible()


def test_while_the_api_is_away_the_page_says_so_and_goes_on_by_itself(
    tab: Page, gate: Gate, samples: list[Path]
) -> None:
    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()
    gate.close()
    drop(tab, samples[0])
    expect(tab.get_by_text(AWAY)).to_be_visible()

    gate.open()

    expect(tab.locator(".bl-label")).to_have_text("Sneaker")
    expect(tab.get_by_text(AWAY)).to_be_hidden()


def test_signing_in_while_the_api_is_away_can_be_tried_again(open_tab: Opener, gate: Gate, stack: RunningStack) -> None:
    tab = open_tab()
    gate.close()
    sign_in(tab, stack.key)
    expect(tab.get_by_text(AWAY)).to_be_visible()

    gate.open()
    sign_in(tab, stack.key)

    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()


def test_a_session_left_open_goes_on_over_a_restart_of_the_api(
    tab: Page, stack: RunningStack, samples: list[Path]
) -> None:
    submit(tab, *samples, name="Over a restart")
    before = stack.supervisor.pids()["api"]

    os.kill(before, signal.SIGKILL)

    expect(ready_job(tab)).to_be_visible()
    expect(tab.locator(".bl-thumbs img").first).to_be_visible()
    assert stack.supervisor.pids()["api"] != before


def test_two_tabs_at_once_do_not_disturb_one_another(
    open_tab: Opener, stack: RunningStack, samples: list[Path]
) -> None:
    ada, bob = open_tab(), open_tab()
    sign_in(ada, stack.key_of("tab-ada"))
    sign_in(bob, stack.key_of("tab-bob"))

    drop(bob, samples[0])
    submit(ada, *samples[:9], name="Only ada's")
    expect(ready_job(ada)).to_be_visible()

    expect(bob.locator(".bl-label")).to_have_text("Sneaker")
    switch_to(bob, "Jobs")
    expect(bob.get_by_text("No jobs yet")).to_be_visible()
    expect(ada.get_by_role("heading", name="Only ada's")).to_be_visible()


def test_an_address_comes_back_to_its_job_but_not_without_the_key(
    tab: Page, stack: RunningStack, samples: list[Path]
) -> None:
    submit(tab, *samples[:9], name="To come back to")

    tab.reload()
    expect(tab.get_by_label("API key")).to_be_visible()
    sign_in(tab, stack.key)

    expect(tab.get_by_role("heading", name="To come back to")).to_be_visible()


def test_signing_out_leaves_nothing_behind(tab: Page, samples: list[Path]) -> None:
    submit(tab, *samples[:9], name="Left behind")

    tab.get_by_role("button", name="Sign out").click()

    expect(tab.get_by_label("API key")).to_have_value("")
    expect(tab.get_by_text("Left behind")).to_be_hidden()
    assert "job=" not in tab.url


def test_a_fault_that_nobody_foresaw_is_words_here_and_a_traceback_in_the_log(
    tab: Page, page_folder: Path, samples: list[Path]
) -> None:
    drop(tab, samples[0])
    expect(tab.locator(".bl-label")).to_have_text("Sneaker")

    tab.get_by_label(f"Remove {samples[0].name}").click()
    expect(tab.locator(".bl-label")).to_have_count(0)
    (page_folder / TEMPORARY).rename(page_folder / "away")
    try:
        drop(tab, samples[1])
        expect(tab.get_by_text("Something went wrong on this page")).to_be_visible()
    finally:
        (page_folder / "away").rename(page_folder / TEMPORARY)

    assert "FileNotFoundError" in (page_folder / "page.log").read_text()


def test_a_job_of_somebody_else_is_not_found(open_tab: Opener, stack: RunningStack, page_url: str) -> None:
    tab = open_tab()
    tab.goto(f"{page_url}/?job=0123456789abcdef0123456789abcdef")

    sign_in(tab, stack.key)

    expect(tab.get_by_text("no job")).to_be_visible()


@pytest.mark.usefixtures("browser")
def test_an_archive_without_its_ticket_is_gone(page_url: str) -> None:
    answer = httpx.get(f"{page_url}/archives/not-a-ticket")

    assert (answer.status_code, "prepare the archive again" in answer.text) == (410, True)

"""Sign-in, tabs and outages, in a real browser."""

import os
import signal
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from core.access.keys import revoke_key
from tests.frontend.conftest import Opener
from tests.frontend.outages import Proxy, suspended_worker
from tests.frontend.web_ui import TEMPORARY, archive_button, choose, drop, sign_in, submit
from tests.stacks import RunningStack

UNREACHABLE = "Batchlight does not answer right now"


def test_a_wrong_key_is_refused_and_the_right_one_then_works(open_tab: Opener, stack: RunningStack) -> None:
    tab = open_tab()
    sign_in(tab, f"{stack.key[:-4]}0000")
    expect(tab.get_by_text("This key is not accepted")).to_be_visible()

    sign_in(tab, stack.key)

    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()
    assert stack.key not in tab.url


def test_a_revoked_key_leads_back_to_sign_in(open_tab: Opener, stack: RunningStack) -> None:
    tab, key = open_tab(), stack.key_of("brief")
    sign_in(tab, key)
    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()

    with stack.database.write.begin() as session:
        revoke_key(session, key.split("_")[1])
    choose(tab, "Jobs")

    expect(tab.get_by_text("This key is not accepted")).to_be_visible()
    expect(tab.get_by_label("API key")).to_be_visible()


def test_the_key_can_be_shown_while_it_is_typed(open_tab: Opener) -> None:
    tab = open_tab()
    expect(tab).to_have_title("Sign in · Batchlight")
    key = tab.get_by_label("API key")
    expect(key).to_have_attribute("type", "password")

    tab.get_by_role("button", name="Show password").click()

    expect(key).to_have_attribute("type", "text")


def test_the_logo_is_shown_in_the_header_and_as_the_icon_of_the_tab(tab: Page) -> None:
    logo = tab.locator(".bl-brand img")
    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()
    assert logo.evaluate("image => image.naturalWidth") > 0

    icon = tab.locator("link[rel~='icon']").evaluate("link => fetch(link.href).then(answer => answer.text())")

    assert icon.startswith("<svg")


def test_the_switch_leads_to_the_jobs_and_back(tab: Page) -> None:
    expect(tab).to_have_title("Classify · Batchlight")
    choose(tab, "Jobs")
    expect(tab.get_by_role("heading", name="Jobs")).to_be_visible()

    choose(tab, "Classify")

    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()
    expect(tab.get_by_role("heading", name="Jobs")).to_have_count(0)


def test_the_sign_out_button_keeps_its_name_on_a_phone(open_tab: Opener, stack: RunningStack) -> None:
    tab = open_tab()
    tab.set_viewport_size({"width": 390, "height": 800})
    sign_in(tab, stack.key)

    tab.get_by_role("button", name="Sign out").click()

    expect(tab.get_by_label("API key")).to_be_visible()


def test_an_outage_of_the_api_is_shown_and_the_web_ui_continues_after_it(
    tab: Page, proxy: Proxy, samples: list[Path]
) -> None:
    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()
    proxy.close()
    drop(tab, samples[0])
    expect(tab.get_by_text(UNREACHABLE)).to_be_visible()

    proxy.open()

    expect(tab.locator(".bl-label")).to_have_text("Sneaker")
    expect(tab.get_by_text(UNREACHABLE)).to_be_hidden()


def test_sign_in_works_after_an_outage_of_the_api(open_tab: Opener, proxy: Proxy, stack: RunningStack) -> None:
    tab = open_tab()
    proxy.close()
    sign_in(tab, stack.key)
    expect(tab.get_by_text(UNREACHABLE)).to_be_visible()

    proxy.open()
    sign_in(tab, stack.key)

    expect(tab.get_by_role("heading", name="Classify images")).to_be_visible()


def test_a_session_continues_over_a_restart_of_the_api(tab: Page, stack: RunningStack, samples: list[Path]) -> None:
    with suspended_worker(stack):
        submit(tab, *samples[:9], name="Over a restart")
        before = stack.supervisor.pids()["api"]

        os.kill(before, signal.SIGKILL)

    expect(archive_button(tab)).to_be_visible()
    expect(tab.locator(".bl-thumbnails img")).to_have_count(18)
    assert stack.supervisor.pids()["api"] != before


def test_two_tabs_do_not_affect_each_other(open_tab: Opener, stack: RunningStack, samples: list[Path]) -> None:
    ada, bob = open_tab(), open_tab()
    sign_in(ada, stack.key_of("tab-ada"))
    sign_in(bob, stack.key_of("tab-bob"))

    drop(bob, samples[0])
    submit(ada, *samples[:9], name="Only ada's")
    expect(archive_button(ada)).to_be_visible()

    expect(bob.locator(".bl-label")).to_have_text("Sneaker")
    choose(bob, "Jobs")
    expect(bob.get_by_text("No jobs yet")).to_be_visible()
    expect(ada.get_by_role("heading", name="Only ada's")).to_be_visible()


def test_a_reload_asks_for_the_key_and_returns_to_the_job(tab: Page, stack: RunningStack, samples: list[Path]) -> None:
    submit(tab, *samples[:9], name="To come back to")

    tab.reload()
    expect(tab.get_by_label("API key")).to_be_visible()
    sign_in(tab, stack.key)

    expect(tab.get_by_role("heading", name="To come back to")).to_be_visible()


def test_sign_out_deletes_the_state_of_the_tab(tab: Page, samples: list[Path]) -> None:
    submit(tab, *samples[:9], name="Left behind")

    tab.get_by_role("button", name="Sign out").click()

    expect(tab.get_by_label("API key")).to_have_value("")
    expect(tab.get_by_text("Left behind")).to_be_hidden()
    assert "job=" not in tab.url


def test_an_unexpected_error_shows_a_message_and_logs_its_traceback(
    tab: Page, web_ui_folder: Path, samples: list[Path]
) -> None:
    drop(tab, samples[0])
    expect(tab.locator(".bl-label")).to_have_text("Sneaker")

    tab.get_by_label(f"Remove {samples[0].name}").click()
    expect(tab.locator(".bl-label")).to_have_count(0)
    (web_ui_folder / TEMPORARY).rename(web_ui_folder / "away")
    try:
        drop(tab, samples[1])
        expect(tab.get_by_text("The web UI failed unexpectedly")).to_be_visible()
    finally:
        (web_ui_folder / "away").rename(web_ui_folder / TEMPORARY)

    assert any("FileNotFoundError" in log.read_text() for log in web_ui_folder.glob("*.log"))


def test_an_unknown_job_is_not_found(open_tab: Opener, stack: RunningStack, web_ui_url: str) -> None:
    tab = open_tab()
    tab.goto(f"{web_ui_url}/?job=0123456789abcdef0123456789abcdef")

    sign_in(tab, stack.key)

    expect(tab.get_by_text("no job")).to_be_visible()


@pytest.mark.usefixtures("browser")
def test_an_archive_with_an_unknown_ticket_is_gone(web_ui_url: str) -> None:
    answer = httpx.get(f"{web_ui_url}/archives/not-a-ticket")

    assert (answer.status_code, "choose “Prepare the archive” again" in answer.text) == (410, True)

"""The inventory of the web UI's controls: each view shows the controls listed here, and a test presses each of them."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.frontend.conftest import Opener
from tests.frontend.outages import suspended_worker
from tests.frontend.web_ui import archive_button, choose, drop, sign_in, submit_dropped
from tests.stacks import RunningStack

ROLES = "button|checkbox|combobox|link|radio|slider|spinbutton|switch|tab|textbox"
CONTROL = re.compile(rf'- (?:{ROLES}) "([^"]+)"')
SKIP_LINK = "Skip to main content"  # Streamlit's own
TIMEOUT_S = 20.0

SIGN_IN = {
    "API key": "test_a_wrong_key_is_refused_and_the_right_one_then_works",
    "Show password": "test_the_key_can_be_shown_while_it_is_typed",
    "Sign in": "test_a_wrong_key_is_refused_and_the_right_one_then_works",
}
HEADER = {
    "Classify": "test_the_switch_leads_to_the_jobs_and_back",
    "Jobs": "test_the_switch_leads_to_the_jobs_and_back",
    "Sign out": "test_sign_out_deletes_the_state_of_the_tab",
}
UPLOADER = {
    "file upload": "test_an_image_is_shown_with_its_class_and_its_heatmap",
    "Upload": "test_files_are_chosen_and_added_with_the_buttons_of_the_uploader",
}
FILES = {
    "file upload": "test_an_image_is_shown_with_its_class_and_its_heatmap",
    "Add files": "test_files_are_chosen_and_added_with_the_buttons_of_the_uploader",
    "Remove": "test_a_file_that_is_not_an_image_is_refused_with_a_message",
}
JOB_FORM = {
    "Name of the job": "test_a_zip_becomes_a_job_with_progress",
    "Measure how faithful each heatmap is": "test_a_job_measures_faithfulness_if_the_box_is_checked",
    "Help for Measure how faithful each heatmap is": "test_the_help_of_the_box_says_what_it_measures",
    "Classify as a job": "test_a_zip_becomes_a_job_with_progress",
}
PROGRESS = {
    "All jobs": "test_open_shows_the_job_of_its_row_and_all_jobs_leads_back",
    "Stop": "test_stop_cancels_the_job_and_its_progress_disappears",
}
RESULTS = {
    "All jobs": "test_open_shows_the_job_of_its_row_and_all_jobs_leads_back",
    "Prepare the archive": "test_the_archive_is_prepared_and_downloaded",
    "Retry the failed image": "test_retry_repeats_the_failed_images_only",
    "Gallery": "test_the_table_lists_the_items_and_its_toolbar_works",
    "Table": "test_the_table_lists_the_items_and_its_toolbar_works",
    "All": "test_the_filters_select_the_items_of_a_state",
    "Classified": "test_the_filters_select_the_items_of_a_state",
    "Failed": "test_the_filters_select_the_items_of_a_state",
    "Previous": "test_the_gallery_has_pages_of_pictures_with_text_alternatives",
    "Next": "test_the_gallery_has_pages_of_pictures_with_text_alternatives",
}
TABLE_TOOLBAR = dict.fromkeys(
    ("Show/hide columns", "Download as CSV", "Search", "Fullscreen"),
    "test_the_table_lists_the_items_and_its_toolbar_works",
)
ARCHIVE = {"Download the archive": "test_the_archive_is_prepared_and_downloaded"}
LIST = {
    "Open": "test_open_shows_the_job_of_its_row_and_all_jobs_leads_back",
    "Show more": "test_show_more_lists_older_jobs",
}
VIEWS = (SIGN_IN, HEADER, UPLOADER, FILES, JOB_FORM, PROGRESS, RESULTS, TABLE_TOOLBAR, ARCHIVE, LIST)


def controls(tab: Page) -> set[str]:
    """The accessible names of the tab's controls, without file names and sizes."""
    names = CONTROL.findall(tab.locator("body").aria_snapshot())
    return {re.sub(r"^(Remove|Download the archive) .*", r"\1", name) for name in names} - {SKIP_LINK}


def expect_controls(tab: Page, expected: set[str]) -> None:
    """Wait until the tab shows these controls and no others."""
    until_s = time.monotonic() + TIMEOUT_S
    while (shown := controls(tab)) != expected:
        assert time.monotonic() < until_s, f"unlisted: {shown - expected}, missing: {expected - shown}"
        tab.wait_for_timeout(50)


@pytest.mark.parametrize("pressed_by", sorted({test for view in VIEWS for test in view.values()}))
def test_the_test_that_presses_a_control_exists(pressed_by: str) -> None:
    sources = [path.read_text() for path in Path(__file__).parent.glob("test_*.py")]

    assert any(f"\ndef {pressed_by}(" in source for source in sources)


def test_sign_in_and_classify_show_only_listed_controls(
    open_tab: Opener, stack: RunningStack, samples: list[Path]
) -> None:
    tab = open_tab()
    expect_controls(tab, set(SIGN_IN))

    sign_in(tab, stack.key)
    expect_controls(tab, {*HEADER, *UPLOADER})

    drop(tab, samples[0])
    expect_controls(tab, {*HEADER, *FILES})

    drop(tab, samples[1])
    expect_controls(tab, {*HEADER, *FILES, *JOB_FORM})


def test_a_job_and_the_list_of_jobs_show_only_listed_controls(
    open_tab: Opener, stack: RunningStack, many_jobs_key: str, samples: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_text("no image")
    tab = open_tab()
    sign_in(tab, many_jobs_key)
    with suspended_worker(stack):
        drop(tab, *samples[:25], tmp_path / "broken.png")
        submit_dropped(tab, name="Controls")
        expect_controls(tab, {*HEADER, *PROGRESS})

    expect_controls(tab, {*HEADER, *RESULTS})

    choose(tab, "Table")
    tab.get_by_test_id("stDataFrame").hover()
    expect_controls(tab, {*HEADER, *RESULTS, *TABLE_TOOLBAR} - {"Previous", "Next"})

    choose(tab, "Gallery")
    archive_button(tab).click()
    expect_controls(tab, {*HEADER, *RESULTS, *ARCHIVE} - {"Prepare the archive"})

    tab.get_by_role("button", name="All jobs").click()
    expect_controls(tab, {*HEADER, *LIST})

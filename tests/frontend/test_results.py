"""The results of an ended job (gallery, table, filters, archive), in a real browser."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from batchlight import Client
from tests.frontend.web_ui import archive_button, choose, sign_in
from tests.http import paths, zipped
from tests.stacks import RunningStack

GALLERY_ITEMS = 24
TABLE_ITEMS = 50
SUCCEEDED = 59
TOTAL = SUCCEEDED + 1
BROKEN = "cut <b>off.png"


@pytest.fixture(scope="module")
def job_address(stack: RunningStack, samples: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The id of an ended job in which one image failed, and the key of its owner."""
    photos = tmp_path_factory.mktemp("results") / "photos.zip"
    photos.write_bytes(zipped({**paths(samples[:SUCCEEDED]), BROKEN: samples[0].read_bytes()[:200]}))
    key = stack.key_of("results")
    with Client(stack.url, key) as client:
        return client.wait(client.submit(photos, name="Results").id).id, key


@pytest.fixture
def job_tab(module_tab: Page, web_ui_url: str, job_address: tuple[str, str]) -> Page:
    """The module's tab, which shows the first page of the job's gallery."""
    job_id, key = job_address
    if job_id not in module_tab.url:
        module_tab.goto(f"{web_ui_url}/?job={job_id}")
        sign_in(module_tab, key)
    choose(module_tab, "All")
    choose(module_tab, "Gallery")
    expect(module_tab.get_by_text(f"1–{GALLERY_ITEMS} of {TOTAL}")).to_be_visible()
    expect(module_tab.locator(".bl-card")).to_have_count(GALLERY_ITEMS)
    return module_tab


def test_the_gallery_has_pages_of_pictures_with_text_alternatives(job_tab: Page, samples: list[Path]) -> None:
    names = job_tab.locator(".bl-card small")
    expect(job_tab.locator(".bl-thumbnails img")).to_have_count(2 * GALLERY_ITEMS)
    expect(job_tab.get_by_role("img", name=samples[0].name, exact=True)).to_be_visible()
    expect(job_tab.get_by_role("img", name=f"Heatmap of {samples[0].name}", exact=True)).to_be_visible()

    job_tab.get_by_role("button", name="Next").click()
    expect(job_tab.get_by_text(f"{GALLERY_ITEMS + 1}–{2 * GALLERY_ITEMS} of {TOTAL}")).to_be_visible()
    expect(names.first).to_have_text(samples[GALLERY_ITEMS].name)

    job_tab.get_by_role("button", name="Previous").click()
    expect(job_tab.get_by_text(f"1–{GALLERY_ITEMS} of {TOTAL}")).to_be_visible()
    expect(names.first).to_have_text(samples[0].name)


def test_the_filters_select_the_items_of_a_state(job_tab: Page) -> None:
    choose(job_tab, "Failed")
    failed = job_tab.locator(".bl-failed")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("The image is cut off")
    expect(failed).to_contain_text(BROKEN)

    choose(job_tab, "Classified")
    expect(job_tab.get_by_text(f"1–{GALLERY_ITEMS} of {SUCCEEDED}")).to_be_visible()

    choose(job_tab, "All")
    expect(job_tab.get_by_text(f"1–{GALLERY_ITEMS} of {TOTAL}")).to_be_visible()


def test_the_table_lists_the_items_and_its_toolbar_works(job_tab: Page, samples: list[Path]) -> None:
    choose(job_tab, "Table")
    expect(job_tab.get_by_text(f"1–{TABLE_ITEMS} of {TOTAL}")).to_be_visible()
    table = job_tab.get_by_test_id("stDataFrame")
    table.hover()

    job_tab.evaluate("delete window.showSaveFilePicker")  # a dialog of the system, which no test can answer
    with job_tab.expect_download() as download:
        job_tab.get_by_role("button", name="Download as CSV").click()
    rows = download.value.path().read_text().splitlines()
    assert (len(rows), samples[0].name in rows[1]) == (1 + TABLE_ITEMS, True)

    job_tab.get_by_role("button", name="Show/hide columns").click()
    expect(job_tab.get_by_text("Select all")).to_be_visible()
    job_tab.keyboard.press("Escape")
    job_tab.get_by_role("button", name="Search").click()
    job_tab.get_by_role("textbox", name="Type to search").fill(samples[1].name)
    expect(job_tab.get_by_text("1 result")).to_be_visible()
    job_tab.get_by_role("button", name="Close Search").click()
    table.hover()
    job_tab.get_by_role("button", name="Fullscreen").click()
    job_tab.get_by_role("button", name="Close fullscreen").click()

    choose(job_tab, "Gallery")
    expect(job_tab.locator(".bl-card")).to_have_count(GALLERY_ITEMS)


def test_the_archive_is_prepared_and_downloaded(job_tab: Page) -> None:
    archive_button(job_tab).click()
    with job_tab.expect_download() as download:
        job_tab.get_by_role("link", name="Download the archive").click()

    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert sum(name.startswith("overlays/") for name in archive.namelist()) == SUCCEEDED

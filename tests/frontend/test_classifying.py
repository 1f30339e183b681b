"""From a drop to an answer, in a real browser."""

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.frontend.pages import UPLOAD_LIMIT_MB, drop, ready_job, start, submit, switch_to
from tests.http import paths, zipped

SHOWN = 24


@pytest.fixture
def photos(tmp_path: Path, samples: list[Path]) -> Path:
    file = tmp_path / "photos.zip"
    file.write_bytes(zipped(paths(samples)))
    return file


def test_an_image_comes_back_with_its_class_and_where_the_model_looked(tab: Page, samples: list[Path]) -> None:
    drop(tab, samples[0])

    expect(tab.locator(".bl-label")).to_have_text("Sneaker")
    expect(tab.locator(".bl-confidence")).to_have_text(re.compile(r"\d\d\.\d% confident"))
    expect(tab.locator(".bl-bar")).to_have_count(3)
    expect(tab.locator(".bl-pair img")).to_have_count(2)
    expect(tab.locator(".bl-judged")).to_have_text(re.compile(r"The .+\. Faithfulness [+-]\d\.\d\d"))


def test_a_job_shows_how_faithful_each_heatmap_is_where_that_was_wished(tab: Page, samples: list[Path]) -> None:
    drop(tab, *samples[:3])
    tab.get_by_text("Measure how faithful each heatmap is").click()
    start(tab, name="Judged")

    expect(tab.locator(".bl-card")).to_have_count(3)
    expect(tab.get_by_text(re.compile(r"Faithfulness [+-]\d\.\d\d"))).to_have_count(3)


def test_a_zip_shows_its_progress_and_its_archive_opens(tab: Page, photos: Path, samples: list[Path]) -> None:
    submit(tab, photos, name="All of them")
    expect(tab.get_by_text(f"of {len(samples)} images")).to_be_visible()

    ready_job(tab).click()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Download the archive").click()

    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        assert sum(name.startswith("overlays/") for name in archive.namelist()) == len(samples)


def test_a_gallery_is_paged_and_a_table_lists_the_same(tab: Page, photos: Path, samples: list[Path]) -> None:
    submit(tab, photos, name="Pages")
    expect(tab.locator(".bl-card")).to_have_count(SHOWN)
    expect(tab.locator(".bl-thumbs img")).to_have_count(2 * SHOWN)

    tab.get_by_role("button", name="Next").click()
    expect(tab.get_by_text(f"{SHOWN + 1}–{2 * SHOWN} of {len(samples)}")).to_be_visible()
    expect(tab.locator(".bl-card small").first).to_have_text(samples[SHOWN].name)

    switch_to(tab, "Table")
    expect(tab.get_by_test_id("stDataFrame")).to_be_visible()
    expect(tab.get_by_text(f"1–50 of {len(samples)}")).to_be_visible()


def test_an_image_that_fails_says_why_and_the_others_are_there(tab: Page, tmp_path: Path, samples: list[Path]) -> None:
    cut = tmp_path / "cut <b>off.png"
    cut.write_bytes(samples[0].read_bytes()[:200])

    submit(tab, *samples[:9], cut, name="One is broken")

    expect(tab.get_by_text("Done, some failed")).to_be_visible()
    switch_to(tab, "Failed")
    expect(tab.locator(".bl-failed")).to_have_count(1)
    expect(tab.locator(".bl-failed")).to_contain_text("The image is cut off")
    expect(tab.locator(".bl-failed")).to_contain_text(cut.name)


def test_a_file_that_is_no_image_is_refused_in_words(tab: Page, tmp_path: Path, samples: list[Path]) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    drop(tab, tmp_path / "notes.txt")
    expect(tab.get_by_text("not an image that Batchlight can read")).to_be_visible()

    tab.get_by_label("Remove notes.txt").click()
    drop(tab, samples[0])

    expect(tab.locator(".bl-label")).to_have_text("Sneaker")


def test_a_file_too_large_for_the_page_is_refused_before_it_is_sent(tab: Page, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(bytes(UPLOAD_LIMIT_MB * 1024 * 1024 + 1))

    expect(tab.get_by_text(f"up to {UPLOAD_LIMIT_MB} MB a file")).to_be_visible()
    drop(tab, tmp_path / "large.png")

    expect(tab.get_by_text(f"must be {UPLOAD_LIMIT_MB}.0MB or smaller")).to_be_visible()
    expect(tab.get_by_text("batchlight submit")).to_be_visible()

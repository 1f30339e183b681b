"""From dropped files to a prediction or a job, in a real browser."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.frontend.outages import suspended_worker
from tests.frontend.web_ui import UPLOAD_LIMIT_MB, drop, submit, submit_dropped
from tests.http import paths, zipped
from tests.stacks import RunningStack


def test_an_image_is_shown_with_its_class_and_its_heatmap(tab: Page, samples: list[Path]) -> None:
    drop(tab, samples[0])

    expect(tab.locator(".bl-label")).to_have_text("Sneaker")
    expect(tab.locator(".bl-confidence")).to_have_text(re.compile(r"\d\d\.\d% confident"))
    expect(tab.locator(".bl-bar")).to_have_count(3)
    expect(tab.locator(".bl-image-pair img")).to_have_count(2)
    expect(tab.locator(".bl-faithfulness")).to_have_text(re.compile(r"The .+\. Faithfulness [+-]\d\.\d\d"))


def test_files_are_chosen_and_added_with_the_buttons_of_the_uploader(tab: Page, samples: list[Path]) -> None:
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Upload", exact=True).click()
    chooser.value.set_files(samples[0])
    expect(tab.locator(".bl-label")).to_have_text("Sneaker")

    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Add files").click()
    chooser.value.set_files(samples[1])

    expect(tab.get_by_text("2 images")).to_be_visible()


def test_a_job_measures_faithfulness_if_the_box_is_checked(tab: Page, samples: list[Path]) -> None:
    drop(tab, *samples[:3])
    tab.get_by_text("Measure how faithful each heatmap is").click()
    submit_dropped(tab, name="Measured")

    expect(tab.locator(".bl-card")).to_have_count(3)
    expect(tab.get_by_text(re.compile(r"Faithfulness [+-]\d\.\d\d"))).to_have_count(3)


def test_the_help_of_the_box_says_what_it_measures(tab: Page, samples: list[Path]) -> None:
    drop(tab, *samples[:2])

    tab.get_by_role("button", name="Help for Measure how faithful").hover()

    expect(tab.get_by_text("as a number from -1 to 1")).to_be_visible()


def test_a_zip_becomes_a_job_with_progress(tab: Page, stack: RunningStack, samples: list[Path], tmp_path: Path) -> None:
    photos = tmp_path / "photos.zip"
    photos.write_bytes(zipped(paths(samples)))

    with suspended_worker(stack):
        submit(tab, photos, name="All of them")
        expect(tab.get_by_text(f"0 of {len(samples)} images")).to_be_visible()

    expect(tab.locator(".bl-count-classified")).to_have_text(f"{len(samples)}Classified")


def test_a_file_that_is_not_an_image_is_refused_with_a_message(tab: Page, tmp_path: Path, samples: list[Path]) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    drop(tab, tmp_path / "notes.txt")
    expect(tab.get_by_text("not an image that Batchlight can read")).to_be_visible()

    tab.get_by_label("Remove notes.txt").click()
    drop(tab, samples[0])

    expect(tab.locator(".bl-label")).to_have_text("Sneaker")


def test_a_file_over_the_upload_limit_is_refused_before_it_is_sent(tab: Page, tmp_path: Path) -> None:
    (tmp_path / "large.png").write_bytes(bytes(UPLOAD_LIMIT_MB * 1024 * 1024 + 1))

    expect(tab.get_by_text(f"up to {UPLOAD_LIMIT_MB} MB a file")).to_be_visible()
    drop(tab, tmp_path / "large.png")

    expect(tab.get_by_text(f"must be {UPLOAD_LIMIT_MB}.0MB or smaller")).to_be_visible()
    expect(tab.get_by_text("batchlight submit")).to_be_visible()

"""`make screenshots`: the page as a desktop, a phone and a dark room see it, for docs/images/."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, expect

from core.settings import ROOT
from tests.frontend.browser import running_browser
from tests.frontend.pages import drop, ready_job, running_page, sign_in, submit, switch_to
from tests.stacks import run_stack

IMAGES = ROOT / "docs" / "images"
SAMPLES = ROOT / "samples" / "fashion-mnist" / "images"
DESKTOP, PHONE = ViewportSize(width=1240, height=800), ViewportSize(width=390, height=800)
QUALITY = 90
"""WebP, which keeps each picture well under 300 kB and its colors true."""


@contextmanager
def visiting(browser: Browser, url: str, *, scheme: Literal["light", "dark"], size: ViewportSize) -> Iterator[Page]:
    with browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1.5) as visitor:
        tab = visitor.new_page()
        tab.goto(url)
        yield tab


def take(tab: Page, name: str) -> None:
    """Waits until nothing moves, and writes docs/images/NAME.webp."""
    tab.mouse.move(0, 0)
    tab.wait_for_timeout(1500)
    with Image.open(io.BytesIO(tab.screenshot())) as picture:
        picture.convert("RGB").save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)


def classified(tab: Page, image: Path) -> None:
    drop(tab, image)
    expect(tab.locator(".bl-pair img")).to_have_count(2)


def job_done(tab: Page, samples: list[Path], broken: Path) -> None:
    submit(tab, *samples, broken, name="Spring collection")
    expect(ready_job(tab)).to_be_visible()
    expect(tab.locator(".bl-thumbs img").first).to_be_visible()


def take_all(browser: Browser, url: str, key: str, *, samples: list[Path], broken: Path) -> None:
    with visiting(browser, url, scheme="light", size=DESKTOP) as tab:
        take(tab, "page-sign-in")
        sign_in(tab, key)
        take(tab, "page-empty")
        classified(tab, samples[6])
        take(tab, "page-prediction")
    with visiting(browser, url, scheme="light", size=DESKTOP) as tab:
        sign_in(tab, key)
        job_done(tab, samples, broken)
        take(tab, "page-job")
        switch_to(tab, "Table")
        take(tab, "page-table")
    with visiting(browser, url, scheme="dark", size=DESKTOP) as tab:
        sign_in(tab, key)
        classified(tab, samples[1])
        take(tab, "page-dark")
    with visiting(browser, url, scheme="light", size=PHONE) as tab:
        sign_in(tab, key)
        classified(tab, samples[4])
        take(tab, "page-phone")
    with visiting(browser, url, scheme="dark", size=PHONE) as tab:
        sign_in(tab, key)
        job_done(tab, samples, broken)
        take(tab, "page-phone-dark")


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=20_000)
    samples = sorted(SAMPLES.glob("*.png"))[:47]
    with tempfile.TemporaryDirectory(prefix="batchlight-screenshots-") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "cut-off.png").write_bytes(samples[0].read_bytes()[:200])
        with (
            run_stack(folder / "data", environment={}) as stack,
            running_page(stack.url, folder, upload_limit_mb=256) as url,
            running_browser() as browser,
        ):
            take_all(browser, url, stack.key, samples=samples, broken=folder / "cut-off.png")


if __name__ == "__main__":
    main()

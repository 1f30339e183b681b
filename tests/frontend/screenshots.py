"""`make screenshots`: pictures of the web UI on a desktop and a phone, light and dark, for docs/images/."""

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
from tests.frontend.web_ui import archive_button, choose, drop, running_web_ui, sign_in, submit
from tests.stacks import run_stack

IMAGES = ROOT / "docs" / "images"
SAMPLES = ROOT / "samples" / "fashion-mnist" / "images"
DESKTOP, PHONE = ViewportSize(width=1240, height=800), ViewportSize(width=390, height=800)
QUALITY = 86
"""WebP quality: each picture stays under 100 kB without visible artifacts."""


@contextmanager
def visiting(browser: Browser, url: str, *, scheme: Literal["light", "dark"], size: ViewportSize) -> Iterator[Page]:
    with browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=1.5) as visitor:
        tab = visitor.new_page()
        tab.goto(url)
        yield tab


def take(tab: Page, name: str) -> None:
    """Wait until the tab is still, and write docs/images/NAME.webp."""
    tab.mouse.move(0, 0)
    tab.wait_for_timeout(1500)
    with Image.open(io.BytesIO(tab.screenshot())) as picture:
        picture.convert("RGB").save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)


def classified(tab: Page, image: Path) -> None:
    drop(tab, image)
    expect(tab.locator(".bl-image-pair img")).to_have_count(2)


def job_done(tab: Page, samples: list[Path], broken: Path) -> None:
    submit(tab, *samples, broken, name="Spring collection")
    expect(archive_button(tab)).to_be_visible()
    expect(tab.locator(".bl-thumbnails img").first).to_be_visible()


def take_all(browser: Browser, url: str, key: str, *, samples: list[Path], broken: Path) -> None:
    with visiting(browser, url, scheme="light", size=DESKTOP) as tab:
        take(tab, "web-ui-sign-in")
        sign_in(tab, key)
        take(tab, "web-ui-empty")
        classified(tab, samples[6])
        take(tab, "web-ui-prediction")
    with visiting(browser, url, scheme="light", size=DESKTOP) as tab:
        sign_in(tab, key)
        job_done(tab, samples, broken)
        take(tab, "web-ui-job")
        choose(tab, "Table")
        take(tab, "web-ui-table")
    with visiting(browser, url, scheme="dark", size=DESKTOP) as tab:
        sign_in(tab, key)
        classified(tab, samples[1])
        take(tab, "web-ui-dark")
    with visiting(browser, url, scheme="light", size=PHONE) as tab:
        sign_in(tab, key)
        classified(tab, samples[4])
        take(tab, "web-ui-phone")
    with visiting(browser, url, scheme="dark", size=PHONE) as tab:
        sign_in(tab, key)
        job_done(tab, samples, broken)
        take(tab, "web-ui-phone-dark")


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
            running_web_ui(stack.url, folder, upload_limit_mb=256) as url,
            running_browser() as browser,
        ):
            take_all(browser, url, stack.key, samples=samples, broken=folder / "cut-off.png")


if __name__ == "__main__":
    main()

"""One page server in front of the embedded stack, one browser for each module, one tab for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from ops.ports import LOOPBACK
from tests.frontend.browser import chromium, running_browser
from tests.frontend.gate import Gate, gate_to
from tests.frontend.pages import running_page, sign_in
from tests.stacks import RunningStack

PATIENCE_MS = 20_000

Opener = Callable[[], Page]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what needs a browser before a server is started for it; the summary has one line for all of them."""
    if "browser" in getattr(item, "fixturenames", ()) and not chromium():
        pytest.skip("needs Chromium: apt install chromium")


@pytest.fixture(scope="session")
def gate(stack: RunningStack) -> Iterator[Gate]:
    with gate_to(stack.url) as gate:
        yield gate


@pytest.fixture(scope="session")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="session")
def page_url(gate: Gate, page_folder: Path) -> Iterator[str]:
    with running_page(gate.url, page_folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: Playwright's event loop would be in the way of other modules' own."""
    expect.set_options(timeout=PATIENCE_MS)
    with running_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """One visitor's browser, whose cache makes the second tab quicker than the first."""
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context


@pytest.fixture
def open_tab(visitor: BrowserContext, page_url: str) -> Iterator[Opener]:
    """Opens tabs. Whatever the test does in them, none shows a traceback or asks another server."""
    asked: set[str | None] = set()

    def note(request: Request) -> None:
        asked.add(urlsplit(request.url).hostname)

    def open_tab() -> Page:
        tab = visitor.new_page()
        tab.on("request", note)
        tab.goto(page_url)
        return tab

    yield open_tab
    texts = [tab.locator("body").inner_text() for tab in visitor.pages]
    for tab in visitor.pages:
        tab.close()
    assert not [text for text in texts if "Traceback" in text or "Exception" in text]
    assert asked <= {LOOPBACK, None}


@pytest.fixture
def tab(open_tab: Opener, stack: RunningStack) -> Page:
    """A tab of somebody who has signed in."""
    opened = open_tab()
    sign_in(opened, stack.key)
    return opened

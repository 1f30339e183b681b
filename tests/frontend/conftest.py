"""One embedded stack and one web UI for the session; one browser and one tab for each module."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from batchlight import Client
from ops.ports import LOOPBACK
from tests.frontend.browser import chromium, running_browser
from tests.frontend.outages import Proxy, running_proxy
from tests.frontend.web_ui import running_web_ui, sign_in
from tests.stacks import RunningStack

TIMEOUT_MS = 20_000
FIRST_JOBS = 12
"""Jobs in the list before “Show more”."""

Opener = Callable[[], Page]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what needs a browser before a server is started for it; the summary has one line for all of them."""
    if "browser" in getattr(item, "fixturenames", ()) and not chromium():
        pytest.skip("needs Chromium: apt install chromium")


@pytest.fixture(scope="session")
def proxy(stack: RunningStack) -> Iterator[Proxy]:
    with running_proxy(stack.url) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def web_ui_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("web-ui")


@pytest.fixture(scope="session")
def web_ui_url(proxy: Proxy, web_ui_folder: Path) -> Iterator[str]:
    with running_web_ui(proxy.url, web_ui_folder) as address:
        yield address


@pytest.fixture(scope="session")
def many_jobs_key(stack: RunningStack, samples: list[Path]) -> str:
    """The key of an owner with one job more than the list shows at first."""
    key = stack.key_of("has-many-jobs")
    with Client(stack.url, key) as client:
        for number in range(FIRST_JOBS + 1):
            client.submit(samples[0], name=f"Job number {number}")
    return key


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once for each module: for the session, Playwright's event loop would disturb other tests."""
    expect.set_options(timeout=TIMEOUT_MS)
    with running_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """One browser profile, whose cache makes every tab but the first load quickly."""
    with browser.new_context() as context:
        context.set_default_timeout(TIMEOUT_MS)
        yield context


@contextmanager
def watched_tabs(visitor: BrowserContext, web_ui_url: str) -> Iterator[Opener]:
    """Opens tabs, which are closed at the end. No tab may show a traceback or send a request to another server."""
    tabs: list[Page] = []
    hosts: set[str | None] = set()

    def note(request: Request) -> None:
        hosts.add(urlsplit(request.url).hostname)

    def open_tab() -> Page:
        tab = visitor.new_page()
        tabs.append(tab)
        tab.on("request", note)
        tab.goto(web_ui_url)
        return tab

    yield open_tab
    for tab in tabs:
        expect_no_traceback(tab)
        tab.close()
    assert hosts <= {LOOPBACK, None}


def expect_no_traceback(tab: Page) -> None:
    text = tab.locator("body").inner_text()
    assert "Traceback" not in text
    assert "Exception" not in text


@pytest.fixture
def open_tab(visitor: BrowserContext, web_ui_url: str) -> Iterator[Opener]:
    """Opens tabs before sign-in."""
    with watched_tabs(visitor, web_ui_url) as opener:
        yield opener


@pytest.fixture(scope="module")
def module_tab(visitor: BrowserContext, web_ui_url: str) -> Iterator[Page]:
    """One tab for a module, because loading the web UI takes longer than most tests."""
    with watched_tabs(visitor, web_ui_url) as opener:
        yield opener()


@pytest.fixture
def tab(module_tab: Page, web_ui_url: str, stack: RunningStack) -> Iterator[Page]:
    """The module's tab after a new sign-in."""
    sign_out = module_tab.get_by_role("button", name="Sign out")
    if sign_out.is_visible():
        sign_out.click()
    else:
        module_tab.goto(web_ui_url)
    sign_in(module_tab, stack.key)
    yield module_tab
    expect_no_traceback(module_tab)

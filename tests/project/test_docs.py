"""The docs site builds strictly, without a network, and its references are those of the code."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect
from typer.main import get_command

from batchlight.command import app as command
from core.settings import ROOT, Settings
from docs.hooks.api_reference import openapi
from docs.hooks.error_reference import refusals
from ops.ports import LOOPBACK
from tests.frontend.browser import chromium, running_browser

# Runs MkDocs in a process that may open no connection and look up no name.
OFFLINE = """
import runpy, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}:
        raise PermissionError(f"the build asked for the network: {event} {arguments}")

sys.addaudithook(refuse)
sys.argv[0] = "mkdocs"
runpy.run_module("mkdocs", run_name="__main__")
"""
SETTING = re.compile(r"`BATCHLIGHT_(\w+)=(\w+)`")
MARKDOWN = sorted((ROOT / "docs").rglob("*.md"))


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the base class gives it
        """Writes nothing."""


class Assets(HTMLParser):
    """The addresses that a browser loads by itself; a link that a person may follow is none."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.addresses += [value for name, value in attrs if name in {"src", "href", "srcset", "data"} and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    program = [sys.executable, "-c", OFFLINE, "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def served_site(site: Path) -> Iterator[str]:
    """The address of the built site."""
    handler = partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def tab() -> Iterator[Page]:
    if not chromium():
        pytest.skip("needs Chromium: apt install chromium")
    with running_browser() as browser, browser.new_context() as context:
        yield context.new_page()


def text_of(site: Path, name: str) -> str:
    """A built document without its tags and the soft breaks in its code."""
    html = (site / name).read_text().replace("<wbr>", "").replace("&quot;", '"').replace("&lt;", "<")
    return re.sub(r"<[^>]+>", "", html.replace("&gt;", ">")).replace("&amp;", "&")


def test_no_document_loads_anything_from_another_server(site: Path) -> None:
    documents = sorted(site.rglob("*.html"))
    foreign: dict[str, str] = {}
    for document in documents:
        assets = Assets()
        assets.feed(document.read_text())
        foreign |= {address: document.name for address in assets.addresses if urlsplit(address).netloc}
    styles = "".join(path.read_text() for path in site.rglob("*.css"))

    assert len(documents) > len(MARKDOWN)
    assert not foreign
    assert not re.findall(r"(?:url\(|@import )['\"]?(?:https?:)?//", styles)


def test_the_site_is_read_and_searched_in_a_browser_that_asks_no_other_server(served_site: str, tab: Page) -> None:
    asked: list[str] = []
    failures: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    tab.on("request", note)
    tab.on("pageerror", lambda error: failures.append(str(error)))
    tab.goto(f"{served_site}/index.html", wait_until="networkidle")  # the search index is loaded then
    query = tab.locator("[data-md-component=search-query]")
    query.click()
    query.press_sequentially("virtual time", delay=20)

    expect(tab.locator(".md-search-result__item").first).to_be_visible()
    assert {urlsplit(address).hostname for address in asked} <= {LOOPBACK, "", None}
    assert not failures


def test_every_document_is_in_the_site(site: Path) -> None:
    names = [path.relative_to(ROOT / "docs").as_posix().replace("README.md", "index.md") for path in MARKDOWN]

    assert not [name for name in names if not (site / name).with_suffix(".html").exists()]


def test_the_reference_of_the_api_has_every_route_parameter_and_field(site: Path) -> None:
    document, reference = openapi(), text_of(site, "reference/api.html")
    routes = {
        f"{method.upper()} {path}": route for path, one in document["paths"].items() for method, route in one.items()
    }
    parameters = {
        one["name"]: one.get("description", "") for route in routes.values() for one in route.get("parameters", [])
    }
    schemas = document["components"]["schemas"]
    fields = {
        name: about.get("description", "")
        for one in schemas.values()
        for name, about in one.get("properties", {}).items()
    }

    expected = {*routes, *parameters, *fields, *schemas}
    assert not {name for name in expected if name not in reference}
    texts = {" ".join(text.replace("`", "").split()) for text in [*parameters.values(), *fields.values()]}
    assert not {text for text in texts if text not in " ".join(reference.split())}


def test_the_reference_of_the_errors_has_the_codes_that_are_raised(site: Path) -> None:
    reference, found = text_of(site, "reference/errors.html"), set(refusals())

    assert {(404, "job_not_found"), (413, "too_many_images"), (507, "disk_full")} <= {one[:2] for one in found}
    assert not {one.code for one in found if one.code not in reference}


def test_the_reference_of_the_commands_has_every_command(site: Path) -> None:
    reference = text_of(site, "reference/command.html")
    commands = getattr(get_command(command), "commands", {})

    assert {"submit", "predict", "download"} <= commands.keys()
    assert not {name for name in commands if f"batchlight {name}" not in reference}
    assert "[bold]" not in reference


def test_the_reference_of_the_settings_has_every_setting_with_its_meaning(site: Path) -> None:
    reference = " ".join(text_of(site, "reference/settings.html").split())
    meanings = {name: (field.description or "").replace("`", "") for name, field in Settings.model_fields.items()}

    assert not {name for name in meanings if f"BATCHLIGHT_{name.upper()}" not in reference}
    assert not {name for name, meaning in meanings.items() if meaning not in reference}


def test_the_reference_of_the_client_has_its_methods(site: Path) -> None:
    reference = text_of(site, "reference/client.html")

    assert not {name for name in ("submit", "wait", "items", "download", "predict") if name not in reference}


def test_a_generated_reference_has_no_copy_written_by_hand() -> None:
    for name in ("api", "command", "errors", "settings"):
        lines = (ROOT / "docs" / "reference" / f"{name}.md").read_text().splitlines()
        assert f"<!-- generated: {name} -->" in lines
        assert not [line for line in lines if line.startswith(("|", "##"))]


def test_the_limits_name_the_defaults_of_the_settings() -> None:
    stated = SETTING.findall((ROOT / "docs" / "limits.md").read_text())
    defaults = {name.upper(): field.default for name, field in Settings.model_fields.items()}

    assert stated
    assert [(name, float(value)) for name, value in stated] == [(name, defaults[name]) for name, _ in stated]

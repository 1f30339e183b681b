"""One job behind a scripted server, and the command run against it in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import batchlight
from tests.client.documents import item_document, job_document
from tests.client.scripted_server import Exchange, serving

CLIENT_FOLDER = Path(batchlight.__file__).parent.parent
Document = dict[str, object]


class SmallApi:
    """Responds like the API for one job, which ends at the poll after `polls`."""

    def __init__(
        self,
        *,
        ends_as: str = "succeeded",
        polls: int = 1,
        items: int = 3,
        refusal: Document | None = None,
        faithfulness: float | None = None,
    ):
        self.ends_as = ends_as
        self.polls = polls
        self.items = items
        self.refusal = refusal
        self.faithfulness = faithfulness
        self.keys: set[str | None] = set()

    def __call__(self, exchange: Exchange) -> None:
        self.keys.add(exchange.headers["Authorization"])
        exchange.rfile.read(exchange.length)
        status, document = self._response(exchange.command, exchange.path.partition("?")[0])
        exchange.reply(status, json.dumps(document).encode(), {"Retry-After": "0"})

    def _response(self, method: str, path: str) -> tuple[int, Document]:
        if self.refusal is not None:
            return int(str(self.refusal["status"])), self.refusal
        if path.endswith("/items"):
            listed = [item_document(index, faithfulness=self.faithfulness) for index in range(self.items)]
            return 200, {"data": listed, "next": None}
        if path == "/v1/jobs" and method == "GET":
            return 200, {"data": [job_document()], "next": None}
        self.polls -= path != "/v1/jobs"
        return 202 if method == "POST" else 200, self._job()

    def _job(self) -> Document:
        if self.polls >= 0:
            return job_document(state="queued")
        failed = int(self.ends_as == "partially_succeeded")
        return job_document(state=self.ends_as, succeeded=3 - failed, failed=failed)


def environment(**more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BATCHLIGHT_")}
    return {**inherited, "PYTHONPATH": str(CLIENT_FOLDER), "NO_COLOR": "1", **more}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "batchlight", *map(str, arguments)]


def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), env=environment(**more), capture_output=True, text=True, check=False)


@contextmanager
def running(api: Callable[[Exchange], None], *arguments: str | Path) -> Iterator[subprocess.CompletedProcess[str]]:
    with serving(api) as url:
        yield run(*arguments, BATCHLIGHT_URL=url, BATCHLIGHT_KEY="key")

"""Clients that go away or dawdle: the server keeps nothing of them."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ops.ports import LOOPBACK
from tests.faults.downloads import check_archive
from tests.faults.ground import Ground
from tests.faults.replicas import Replica, second_api
from tests.http import TIMEOUT_S, zipped

CLIENTS = 20
SPARE_FILES = 2
"""Descriptors that come and go by themselves, such as a further pooled connection to the database."""

only_sqlite = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)


@pytest.fixture
def api(ground: Ground, tmp_path: Path) -> Iterator[Replica]:
    """An API that waits 2 s for an upload to go on."""
    with second_api(ground, tmp_path, upload_idle_s=2) as replica:
        yield replica


def connected(api: Replica, head: str) -> socket.socket:
    """A connection on which this request was begun."""
    url = httpx.URL(api.url)
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(TIMEOUT_S)
    opened.connect((LOOPBACK, url.port))
    opened.sendall(f"{head}\r\nHost: {LOOPBACK}\r\nAuthorization: Bearer {api.key}\r\n".encode())
    return opened


def begun_upload(api: Replica, body: bytes, *, sent: int) -> socket.socket:
    """A connection on which so many bytes of this ZIP were sent."""
    opened = connected(api, "POST /v1/jobs HTTP/1.1")
    opened.sendall(f"Content-Type: application/zip\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:sent])
    return opened


def settles(seen: Callable[[], int], *, at_most: int) -> None:
    """Returns when this number has come down."""
    until_s = time.monotonic() + 10
    while (now := seen()) > at_most:
        assert time.monotonic() < until_s, f"{now}, not {at_most}"
        time.sleep(0.05)


@only_sqlite
def test_clients_that_go_away_while_they_upload_leave_nothing(ground: Ground, api: Replica) -> None:
    jobs, files, body = ground.jobs(), ground.files(), zipped(ground.images(200))
    begun_upload(api, body, sent=1000).close()
    before = api.process.num_fds()

    for _ in range(CLIENTS):
        begun_upload(api, body, sent=len(body) // 2).close()

    settles(api.process.num_fds, at_most=before + SPARE_FILES)
    assert (ground.jobs(), ground.files()) == (jobs, files)
    ground.note(f"29 {CLIENTS} clients gone in the middle of an upload")


@only_sqlite
@pytest.mark.parametrize("pause_s", [0.2, 5])
def test_an_upload_that_all_but_stands_still_is_ended(ground: Ground, api: Replica, pause_s: float) -> None:
    files, body = ground.files(), zipped(ground.images(200))
    began_s = time.monotonic()
    with begun_upload(api, body, sent=1000) as dawdler:
        dawdler.settimeout(pause_s)
        answer = trickled(dawdler, body[1000:])

    assert b" 408 " in answer.splitlines()[0]
    assert ground.files() == files
    rate = "a byte at times" if pause_s < 2 else "nothing"
    ground.note(f"29 upload that sends {rate}, 2 s allowed", seconds=time.monotonic() - began_s, limit_s=8)


def trickled(dawdler: socket.socket, body: bytes) -> bytes:
    """Sends a byte whenever the server has said nothing for a time-out of the socket; returns what it says."""
    for byte in body[:1000]:
        try:
            return dawdler.recv(65_536)
        except TimeoutError:
            dawdler.sendall(bytes([byte]))
    raise AssertionError("the server went on reading")


@only_sqlite
def test_a_download_that_broke_off_leaves_nothing_and_can_go_on(ground: Ground, api: Replica) -> None:
    images = ground.images(1200)
    with ground.job(len(images)) as run:
        run.end()
        whole = check_archive(run, images)
        path = f"/v1/jobs/{run.id}/archive"
        begun_download(api, path)
        before = api.process.num_fds()

        begun = [begun_download(api, path) for _ in range(CLIENTS)]

        settles(api.process.num_fds, at_most=before + SPARE_FILES)
        etag = run.client.head(path).headers["etag"]
        rest = run.client.get(path, headers={"Range": f"bytes={len(begun[0])}-", "If-Range": etag})
    assert rest.status_code == 206
    assert begun[0] + rest.content == whole
    ground.note(f"29 {CLIENTS} clients gone in the middle of a download")


def begun_download(api: Replica, path: str) -> bytes:
    """The first bytes of the body; then the client is gone."""
    with connected(api, f"GET {path} HTTP/1.1") as opened:
        opened.sendall(b"\r\n")
        received = b""
        while len(received) < 2000:
            received += opened.recv(1000)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    return body

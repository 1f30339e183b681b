"""Clients that disconnect or stall: the server keeps nothing of their requests."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from ops.ports import LOOPBACK
from tests.faults.downloads import check_archive
from tests.faults.harness import FaultHarness
from tests.faults.replicas import Replica, second_api
from tests.http import TIMEOUT_S, zipped

CLIENTS = 20
SPARE_DESCRIPTORS = 2
"""Descriptors that open without a client, such as another pooled connection to the database."""

only_sqlite = pytest.mark.parametrize("harness", ["sqlite"], indirect=True)


@pytest.fixture
def api(harness: FaultHarness, tmp_path: Path) -> Iterator[Replica]:
    """An API that ends an upload after 2 s without progress."""
    with second_api(harness, tmp_path, upload_idle_s=2) as replica:
        yield replica


def connected(api: Replica, head: str) -> socket.socket:
    """Open a connection and send the head of this request."""
    url = httpx.URL(api.url)
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(TIMEOUT_S)
    opened.connect((LOOPBACK, url.port))
    opened.sendall(f"{head}\r\nHost: {LOOPBACK}\r\nAuthorization: Bearer {api.key}\r\n".encode())
    return opened


def begun_upload(api: Replica, body: bytes, *, sent: int) -> socket.socket:
    """Open a connection and send the first `sent` bytes of this ZIP."""
    opened = connected(api, "POST /v1/jobs HTTP/1.1")
    opened.sendall(f"Content-Type: application/zip\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:sent])
    return opened


def wait_until(value: Callable[[], int], *, at_most: int) -> None:
    """Return when this value is `at_most`."""
    until_s = time.monotonic() + 10
    while (now := value()) > at_most:
        assert time.monotonic() < until_s, f"{now}, not {at_most}"
        time.sleep(0.05)


@only_sqlite
def test_clients_that_disconnect_during_an_upload_leave_nothing(harness: FaultHarness, api: Replica) -> None:
    jobs, files, body = harness.jobs(), harness.files(), zipped(harness.images(200))
    begun_upload(api, body, sent=1000).close()
    before = api.process.num_fds()

    for _ in range(CLIENTS):
        begun_upload(api, body, sent=len(body) // 2).close()

    wait_until(api.process.num_fds, at_most=before + SPARE_DESCRIPTORS)
    assert (harness.jobs(), harness.files()) == (jobs, files)
    harness.note(f"29 {CLIENTS} clients that disconnect during an upload")


@only_sqlite
@pytest.mark.parametrize("pause_s", [0.2, 5])
def test_an_upload_that_nearly_stalls_is_ended(harness: FaultHarness, api: Replica, pause_s: float) -> None:
    files, body = harness.files(), zipped(harness.images(200))
    began_s = time.monotonic()
    with begun_upload(api, body, sent=1000) as connection:
        connection.settimeout(pause_s)
        answer = trickled(connection, body[1000:])

    assert b" 408 " in answer.splitlines()[0]
    assert harness.files() == files
    rate = "single bytes" if pause_s < 2 else "nothing"
    harness.note(f"29 upload that sends {rate}, 2 s allowed", seconds=time.monotonic() - began_s, limit_s=8)


def trickled(connection: socket.socket, body: bytes) -> bytes:
    """Send a byte after each socket timeout without an answer; return the answer."""
    for byte in body[:1000]:
        try:
            return connection.recv(65_536)
        except TimeoutError:
            connection.sendall(bytes([byte]))
    raise AssertionError("the server kept reading")


@only_sqlite
def test_an_interrupted_download_leaves_nothing_and_can_be_resumed(harness: FaultHarness, api: Replica) -> None:
    images = harness.images(1200)
    with harness.job(len(images)) as job:
        job.wait_for_end()
        whole = check_archive(job, images)
        path = f"/v1/jobs/{job.id}/archive"
        begun_download(api, path)
        before = api.process.num_fds()

        begun = [begun_download(api, path) for _ in range(CLIENTS)]

        wait_until(api.process.num_fds, at_most=before + SPARE_DESCRIPTORS)
        etag = job.client.head(path).headers["etag"]
        rest = job.client.get(path, headers={"Range": f"bytes={len(begun[0])}-", "If-Range": etag})
    assert rest.status_code == 206
    assert begun[0] + rest.content == whole
    harness.note(f"29 {CLIENTS} clients that disconnect during a download")


def begun_download(api: Replica, path: str) -> bytes:
    """Request a download, disconnect after the first bytes of its body, and return them."""
    with connected(api, f"GET {path} HTTP/1.1") as opened:
        opened.sendall(b"\r\n")
        received = b""
        while len(received) < 2000:
            received += opened.recv(1000)
    head, _, body = received.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0]
    return body

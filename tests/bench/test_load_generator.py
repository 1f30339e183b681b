"""The load generator."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.harness.load_generator import Endpoint, response_times_s
from bench.harness.stack import BenchError


class Handler(BaseHTTPRequestHandler):
    """Answers 200 to every body but `no`, in chunks on the path `/chunked`."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:  # the name that http.server calls
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.bodies.append(body)
        self.send_response(404 if body == b"no" else 200)
        if self.path == "/chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"3\r\nyes\r\n0\r\n\r\n")
        else:
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"yes")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of http.server
        """Print nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Handler.bodies = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/plain", "/chunked"])
def test_every_body_is_sent_once_by_several_clients(url: str, path: str) -> None:
    bodies = [str(number).encode() for number in range(30)]

    durations_s = response_times_s(Endpoint(f"{url}{path}", "text/plain"), bodies, clients=4)

    assert sorted(Handler.bodies) == sorted(bodies)
    assert len(durations_s) == len(bodies)


def test_a_refused_request_raises_an_error_with_the_status(url: str) -> None:
    with pytest.raises(BenchError, match="404"):
        response_times_s(Endpoint(f"{url}/plain", "text/plain"), [b"no"])

"""The clients that load a server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.harness.load import Call, send_all
from bench.harness.stack import BenchError


class Answers(BaseHTTPRequestHandler):
    """Says yes to any body but `no`; in chunks where the path asks for them."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes]

    def do_POST(self) -> None:  # the server's name for it
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

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the server's name for it
        """Nothing on the terminal."""


@pytest.fixture
def url() -> Iterator[str]:
    Answers.bodies = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/plain", "/chunked"])
def test_every_body_is_sent_once_whatever_the_number_of_clients(url: str, path: str) -> None:
    bodies = [str(number).encode() for number in range(30)]

    durations_s = send_all(Call(f"{url}{path}", "text/plain"), bodies, clients=4)

    assert sorted(Answers.bodies) == sorted(bodies)
    assert len(durations_s) == len(bodies)


def test_a_refusal_ends_the_measurement_and_is_shown(url: str) -> None:
    with pytest.raises(BenchError, match="404"):
        send_all(Call(f"{url}/plain", "text/plain"), [b"no"])

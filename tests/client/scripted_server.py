"""A real HTTP server that follows a test's script: it responds early, cuts connections, counts requests."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from batchlight import Client


class Exchange(BaseHTTPRequestHandler):
    """One request, with methods for what scripts do."""

    protocol_version = "HTTP/1.1"

    @property
    def length(self) -> int:
        return int(self.headers.get("content-length", "0"))

    def reply(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def hang_up(self) -> None:
        """Close the connection after sending what has been written."""
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Log nothing."""


Script = Callable[[Exchange], None]


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """The address of a server that runs the script for every request."""

    class ScriptHandler(Exchange):
        def run_script(self) -> None:
            script(self)

        do_GET = do_POST = do_DELETE = run_script  # noqa: N815 – the names the standard library looks for

    server = ThreadingHTTPServer(("127.0.0.1", 0), ScriptHandler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def client_of(script: Script) -> Iterator[Client]:
    """A client of a server that runs the script."""
    with serving(script) as url, Client(url, "key") as client:
        yield client

"""A gate between the page and the API: while it is closed, the API is away."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from ops.ports import LOOPBACK, free_port

BLOCK_BYTES = 65536


class Gate:
    """Hands every connection on to one server, byte by byte; closing it cuts them all."""

    def __init__(self, server_url: str) -> None:
        self._server = (LOOPBACK, urlsplit(server_url).port or 80)
        self._port = free_port()
        self._listener: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self.open()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}"

    def open(self) -> None:
        self._listener = socket.create_server((LOOPBACK, self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._connections):
            if each is not None:
                _cut(each)
        self._listener, self._connections = None, []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # the gate was closed
            while True:
                self._connect(listener.accept()[0])

    def _connect(self, near: socket.socket) -> None:
        try:
            far = socket.create_connection(self._server)
        except OSError:
            _cut(near)
            return
        self._connections += [near, far]
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


@contextmanager
def gate_to(server_url: str) -> Iterator[Gate]:
    gate = Gate(server_url)
    try:
        yield gate
    finally:
        gate.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(BLOCK_BYTES):
            sink.sendall(block)
    for each in (source, sink):
        _cut(each)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

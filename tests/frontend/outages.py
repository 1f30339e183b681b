"""Outages that tests cause: an API that cannot be reached, a worker that stands still."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from ops.ports import LOOPBACK, free_port
from tests.stacks import RunningStack

BLOCK_BYTES = 65536


class Proxy:
    """A TCP proxy in front of one server. Closing the proxy cuts all connections and refuses new ones."""

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
        with suppress(OSError):  # the proxy was closed
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
            threading.Thread(target=_forward, args=(source, sink), daemon=True).start()


@contextmanager
def running_proxy(server_url: str) -> Iterator[Proxy]:
    """An open proxy to this server while the block runs."""
    proxy = Proxy(server_url)
    try:
        yield proxy
    finally:
        proxy.close()


@contextmanager
def suspended_worker(stack: RunningStack) -> Iterator[None]:
    """Suspend the bulk worker while the block runs, so that no job proceeds."""
    worker = stack.supervisor.pids()["worker-bulk"]
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def _forward(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(BLOCK_BYTES):
            sink.sendall(block)
    for each in (source, sink):
        _cut(each)


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

"""A TCP proxy between a stack and its server, whose connections can be slow, half-open, reset or cut."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from ops.ports import LOOPBACK

CHUNK_BYTES = 65_536


@dataclass
class Proxy:
    """Forwards from `port` to the target. Faults are attributes, set at any time.

    `delay_s` delays every chunk. `reset_share` of all chunks reset their connection (`seed` selects them).
    `cut_at` cuts the first connection that sends these bytes to the server, after the server has received them, or
    before with `lose_cut_chunk`; no answer comes back. Only a connection that has sent `only_after` is cut.
    """

    target_port: int
    seed: int = 0
    delay_s: float = 0.0
    reset_share: float = 0.0
    cut_at: bytes | None = None
    lose_cut_chunk: bool = False
    only_after: bytes = b""
    cuts: int = 0
    _silent: set[socket.socket] = field(default_factory=set)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        with self._lock:
            for end in self._open:
                _close(end)

    def go_half_open(self) -> None:
        """Keep every open connection open and drop all that it sends from now on; new connections work."""
        with self._lock:
            self._silent |= self._open

    @contextmanager
    def faulty(self, **faults: object) -> Iterator[None]:
        """Set these attributes while the block runs."""
        before = {name: getattr(self, name) for name in faults}
        for name, value in faults.items():
            setattr(self, name, value)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection((LOOPBACK, self.target_port), timeout=5)
                except OSError:
                    _close(client)
                    continue
                server.settimeout(None)
                with self._lock:
                    self._open |= {client, server}
                for source, sink, upstream in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pump, args=(source, sink, upstream), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, upstream: bool) -> None:
        eligible = False
        with suppress(OSError):
            while data := source.recv(CHUNK_BYTES):
                eligible = eligible or self.only_after in data
                if self.delay_s:
                    time.sleep(self.delay_s)
                if source in self._silent or sink in self._silent:
                    continue
                if self.reset_share and self._random.random() < self.reset_share:
                    break
                cut = upstream and eligible and self.cut_at is not None and self.cut_at in data
                if cut:
                    self.cut_at = None
                    self._silent |= {source, sink}
                if not (cut and self.lose_cut_chunk):
                    sink.sendall(data)
                if cut:
                    time.sleep(0.05)
                    self._close_all(source, sink)
                    self.cuts += 1
                    break
        if source not in self._silent:
            self._close_all(source, sink)

    def _close_all(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            _close(end)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

"""A TCP proxy between a stack and its server, whose links can go slow, half-open, reset or deaf after a word."""

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

CHUNK = 65_536


@dataclass
class Proxy:
    """Forwards from `port` to the target. Faults are attributes, set at any time.

    `delay_s` holds every chunk back; `reset_share` of all chunks resets its connection instead (`seed` decides which);
    `cut_after` is a word: the connection that sends it to the server is cut as soon as the server has it, or just
    before if `lose_word`, and no answer comes back; only a connection that has sent `once_said` counts.
    """

    target_port: int
    seed: int = 0
    delay_s: float = 0.0
    reset_share: float = 0.0
    cut_after: bytes | None = None
    lose_word: bool = False
    once_said: bytes = b""
    cuts: int = 0
    _silent: set[socket.socket] = field(default_factory=set)
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
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
        """Every connection that is open now stays open and carries nothing any more; new ones work."""
        with self._lock:
            self._silent |= self._open

    @contextmanager
    def faulty(self, **faults: object) -> Iterator[None]:
        """These attributes while the block runs."""
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
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection((LOOPBACK, self.target_port), timeout=5)
                except OSError:
                    _close(near)
                    continue
                far.settimeout(None)
                with self._lock:
                    self._open |= {near, far}
                for source, sink, upstream in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pump, args=(source, sink, upstream), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, upstream: bool) -> None:
        counts = False
        with suppress(OSError):
            while data := source.recv(CHUNK):
                counts = counts or self.once_said in data
                if self.delay_s:
                    time.sleep(self.delay_s)
                if source in self._silent or sink in self._silent:
                    continue
                if self.reset_share and self._dice.random() < self.reset_share:
                    break
                cut = upstream and counts and self.cut_after is not None and self.cut_after in data
                if cut:
                    self.cut_after = None
                    self._silent |= {source, sink}
                if not (cut and self.lose_word):
                    sink.sendall(data)
                if cut:
                    time.sleep(0.05)
                    self._forget(source, sink)
                    self.cuts += 1
                    break
        if source not in self._silent:
            self._forget(source, sink)

    def _forget(self, *ends: socket.socket) -> None:
        with self._lock:
            self._open -= set(ends)
        for end in ends:
            _close(end)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

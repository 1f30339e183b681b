"""Noticing, while a long body is on its way, that the server has already answered."""

from collections.abc import Callable, Iterator, Mapping

import httpcore
import httpx

from batchlight.bodies import Body

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


class EarlyAnswer:
    """Watches the connection of one request and ends its body as soon as an answer stands ready to be read.

    A server refuses a wrong key or a body over the limit after the first bytes. Without this, the client
    would push gigabytes at a server that throws them away, or see a broken pipe instead of the reason.
    Over TLS the socket is also readable for reasons of TLS itself; there only the broken pipe ends the body,
    and httpcore then reads the answer.
    """

    def __init__(self, url: httpx.URL) -> None:
        self.sent = 0
        self._watches = url.scheme == "http"
        self._connection: httpcore.NetworkStream | None = None

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """httpcore's `trace` extension: take hold of the connection when it is made."""
        if event == "connection.connect_tcp.complete" and self._watches:
            made = info["return_value"]
            self._connection = made if isinstance(made, httpcore.NetworkStream) else None

    def watching(self, body: Body, progress: Progress | None) -> Iterator[bytes]:
        """The body's blocks, up to the moment the server answers."""
        for block in body.blocks():
            if self._connection is not None and self._connection.get_extra_info("is_readable"):
                # The one error on which httpcore stops sending and turns to the answer.
                raise httpcore.WriteError("The server answered before the body was sent.")
            yield block
            self.sent += len(block)
            if progress is not None:
                progress(self.sent, body.content_length)

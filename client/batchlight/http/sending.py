"""Noticing, during a long upload, that the server has already responded."""

from collections.abc import Callable, Iterator, Mapping

import httpcore
import httpx

from batchlight.http.bodies import Body

Progress = Callable[[int, int], None]
"""Called with the bytes transferred so far and the bytes in total."""


class EarlyResponse:
    """Watches the connection of one request and ends its body as soon as a response can be read.

    A server refuses a wrong key or a body over the limit after the first bytes. Without this class the client
    would send gigabytes that the server discards, or report a broken pipe instead of the reason.
    Over TLS the socket is also readable because of TLS itself, so there only the broken pipe ends the body;
    httpcore then reads the response.
    """

    def __init__(self, url: httpx.URL) -> None:
        self.sent_bytes = 0
        self._watches = url.scheme == "http"
        self._connection: httpcore.NetworkStream | None = None

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """httpcore's `trace` extension: store the connection when it is opened."""
        if event == "connection.connect_tcp.complete" and self._watches:
            stream = info["return_value"]
            self._connection = stream if isinstance(stream, httpcore.NetworkStream) else None

    def blocks_until_response(self, body: Body, progress: Progress | None) -> Iterator[bytes]:
        """The body's blocks, up to the moment the server responds."""
        for block in body.blocks():
            if self._connection is not None and self._connection.get_extra_info("is_readable"):
                # The one error on which httpcore stops sending and reads the response.
                raise httpcore.WriteError("The server responded before the body was sent.")
            yield block
            self.sent_bytes += len(block)
            if progress is not None:
                progress(self.sent_bytes, body.content_length)

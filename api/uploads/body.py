"""Reads a request's body in chunks, within limits of size and speed."""

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import Request

from core.errors import TooLarge, TooSlow

MIN_BYTES_PER_S = 100


async def read_body(request: Request, *, max_bytes: int, idle_s: float) -> AsyncIterator[bytes]:
    """Yield the body's chunks.

    Raises TooLarge above `max_bytes`, before a byte is read if the Content-Length says so, and TooSlow if within any
    `idle_s` seconds nothing or fewer than MIN_BYTES_PER_S arrive.
    """
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > max_bytes:
        raise _too_large(f"has {int(stated)} bytes, more than the limit of {max_bytes} bytes")
    received = 0
    stream, rate = request.stream(), MinimumRate(over_s=idle_s)
    try:
        while chunk := await _next_chunk(stream, timeout_s=idle_s):
            received += len(chunk)
            if received > max_bytes:
                raise _too_large(f"is larger than the limit of {max_bytes} bytes")
            rate.check(received)
            yield chunk
    except TimeoutError:
        detail = (
            f"The upload sent fewer than {MIN_BYTES_PER_S} bytes a second for {idle_s:.0f} s and was ended after "
            f"{received} bytes. Nothing was stored. Send it again."
        )
        raise TooSlow(detail) from None


async def _next_chunk(stream: AsyncIterator[bytes], *, timeout_s: float) -> bytes:
    async with asyncio.timeout(timeout_s):  # `wait_for` would start a task for every chunk
        return await anext(stream, b"")


def _too_large(excess: str) -> TooLarge:
    return TooLarge(
        f"The request body {excess}. Nothing was stored. Send the images in several jobs.", code="body_too_large"
    )


class MinimumRate:
    """Raises TimeoutError at an upload that sends a byte now and then and so never stands still."""

    def __init__(self, *, over_s: float) -> None:
        self._over_s = over_s
        self._since, self._received_before = time.monotonic(), 0

    def check(self, received: int) -> None:
        """Compare the number of bytes received so far with that of `over_s` seconds ago."""
        now = time.monotonic()
        if now - self._since < self._over_s:
            return
        if received - self._received_before < MIN_BYTES_PER_S * self._over_s:
            raise TimeoutError
        self._since, self._received_before = now, received

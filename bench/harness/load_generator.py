"""A load generator: many HTTP clients that take little processor time from the server they share the cores with.

An HTTP library takes longer over a request than the fastest of the measured servers over its response, and that time
would count as the server's. So each request is bytes built beforehand, and of a response only status and length are
read.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.harness.stack import BenchError

CLIENTS = 64
RESPONSE_TIMEOUT_S = 120.0
BODY_EXCERPT_BYTES = 300


@dataclass(frozen=True)
class Endpoint:
    """Where the requests go, and the headers that they share."""

    url: str
    content_type: str
    headers: str = ""

    def request(self, body: bytes) -> bytes:
        """Return the bytes of a POST request with this body on a connection that stays open."""
        parts = urlsplit(self.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {self.content_type}\r\n{self.headers}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def responses_per_s(endpoint: Endpoint, bodies: Sequence[bytes], *, clients: int = CLIENTS) -> float:
    """Send every body once and return the responses per second; raise BenchError for a refused request."""
    started_s = time.perf_counter()
    response_times_s(endpoint, bodies, clients=clients)
    return len(bodies) / (time.perf_counter() - started_s)


def response_times_s(endpoint: Endpoint, bodies: Sequence[bytes], *, clients: int = CLIENTS) -> list[float]:
    """Send every body once and return the seconds that each response took; raise BenchError for a refused request.

    Each client sends its next request as soon as it has the response to its last one.
    """
    requests = [endpoint.request(body) for body in bodies]
    return asyncio.run(_send_all(urlsplit(endpoint.url).netloc, requests, clients=clients))


async def _send_all(address: str, requests: list[bytes], *, clients: int) -> list[float]:
    durations_s: list[float] = []
    unsent = iter(requests)

    async def client() -> None:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            for request in unsent:
                started_s = time.perf_counter()
                writer.write(request)
                await asyncio.wait_for(_read_response(reader), RESPONSE_TIMEOUT_S)
                durations_s.append(time.perf_counter() - started_s)
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(min(clients, len(requests)))))
    return durations_s


async def _read_response(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0].strip()
    body = await (reader.readexactly(int(length)) if length.isdigit() else _read_chunks(reader))
    if not head.startswith(("http/1.1 200", "http/1.1 202")):
        raise BenchError(f"A server refused a request: {head.splitlines()[0]} {body[:BODY_EXCERPT_BYTES]!r}")


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a chunked body (RFC 9112, section 7.1)."""
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body

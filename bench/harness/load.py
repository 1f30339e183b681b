"""Many HTTP clients at once that cost next to nothing: they share the cores with what they measure.

An HTTP library takes longer over a request than the fastest server here over its answer, and its time would count as
the server's. So a request is bytes made beforehand, and of an answer only its status and its length are read.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.harness.stack import BenchError

CLIENTS = 64
ANSWER_WAIT_S = 120.0


@dataclass(frozen=True)
class Call:
    """One request, the same or another image each time."""

    url: str
    content_type: str
    headers: str = ""

    def request(self, body: bytes) -> bytes:
        """The request as it goes over the wire, the connection kept."""
        parts = urlsplit(self.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {self.content_type}\r\n{self.headers}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answers_per_s(call: Call, bodies: Sequence[bytes], *, clients: int = CLIENTS) -> float:
    """Sends every body once, each client its next as soon as it has its answer; raises BenchError for a refusal."""
    started_s = time.perf_counter()
    send_all(call, bodies, clients=clients)
    return len(bodies) / (time.perf_counter() - started_s)


def send_all(call: Call, bodies: Sequence[bytes], *, clients: int = CLIENTS) -> list[float]:
    """The same; returns how long each answer took, in seconds."""
    requests = [call.request(body) for body in bodies]
    return asyncio.run(_send_all(urlsplit(call.url).netloc, requests, clients=clients))


async def _send_all(address: str, requests: list[bytes], *, clients: int) -> list[float]:
    durations_s: list[float] = []
    waiting = iter(requests)

    async def client() -> None:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            for request in waiting:
                started_s = time.perf_counter()
                writer.write(request)
                await asyncio.wait_for(_read_answer(reader), ANSWER_WAIT_S)
                durations_s.append(time.perf_counter() - started_s)
        finally:
            writer.close()

    await asyncio.gather(*(client() for _ in range(min(clients, len(requests)))))
    return durations_s


async def _read_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0].strip()
    body = await (reader.readexactly(int(length)) if length.isdigit() else _read_chunks(reader))
    if not head.startswith(("http/1.1 200", "http/1.1 202")):
        raise BenchError(f"A server refused a request: {head.splitlines()[0]} {body[:300]!r}")


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """A body in chunks (RFC 9112, section 7.1)."""
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readline()
    return body

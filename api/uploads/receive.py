"""Reads a request's body into shards: a multipart body as it streams, a ZIP once it is spooled."""

import asyncio
import time
from collections.abc import AsyncIterator
from tempfile import TemporaryFile

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.multipart import parse_options_header

from api.context import Context
from api.uploads.multipart import ZIP_TYPES, ImagePart, MultipartBody, ZipPart, is_zip
from api.uploads.writer import Intake
from core.errors import Malformed, TooLarge, TooSlow
from core.settings import Settings

OPENAPI_UPLOAD: dict[str, object] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}

SLOWEST_BYTES_PER_S = 100

BYTES_A_TRIP = 256 * 1024
"""What an upload holds in memory between two trips to a thread."""


Body = MultipartBody | ZipPart | ImagePart


async def receive_job(request: Request, context: Context, intake: Intake) -> None:
    """Feeds every image of the body to the intake and closes it."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type == b"multipart/form-data" and b"boundary" in options:
        await _receive_multipart(request, context, intake, boundary=options[b"boundary"])
    elif media_type.decode(errors="replace") in ZIP_TYPES:
        with TemporaryFile(dir=context.storage.spool_folder()) as file:
            await _receive(request, context.settings, intake, ZipPart(file, intake, context.settings))
    else:
        raise Malformed(
            "Send the images as multipart/form-data, or one ZIP with Content-Type: application/zip.",
            code="unknown_media_type",
        )


async def receive_image(request: Request, context: Context, intake: Intake) -> None:
    """Feeds the one image of the body to the intake; raises Malformed or TooLarge for anything else."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type == b"multipart/form-data" and b"boundary" in options:
        await _receive_multipart(request, context, intake, boundary=options[b"boundary"])
    else:
        part, max_bytes = ImagePart("image", intake, context.settings), context.settings.max_image_bytes
        await _receive(request, context.settings, intake, part, max_bytes=max_bytes)
    if (sent := sum(shard.count for shard in intake.stored)) != 1:
        raise Malformed(f"/predict takes one image, not {sent}. Send many to POST /v1/jobs.", code="not_one_image")


async def _receive_multipart(request: Request, context: Context, intake: Intake, *, boundary: bytes) -> None:
    settings = context.settings

    def open_part(name: str, media_type: str) -> ImagePart | ZipPart:
        if is_zip(name, media_type):
            spooled = TemporaryFile(dir=context.storage.spool_folder())  # noqa: SIM115  # closed by `end`, or with the part
            return ZipPart(spooled, intake, settings)
        return ImagePart(name, intake, settings)

    await _receive(request, settings, intake, MultipartBody(boundary, open_part=open_part))


async def _receive(
    request: Request, settings: Settings, intake: Intake, body: Body, *, max_bytes: int | None = None
) -> None:
    """Writes the chunks to the body, as many as are worth a trip to a thread, the last with its end."""

    def end(last: bytes) -> None:
        body.write(last)
        body.end()
        intake.close()

    held = bytearray()
    async for chunk in _chunks(request, settings, max_bytes=max_bytes or settings.max_body_bytes):
        held += chunk
        if len(held) >= BYTES_A_TRIP:
            await run_in_threadpool(body.write, bytes(held))
            held.clear()
    await run_in_threadpool(end, bytes(held))


async def _chunks(request: Request, settings: Settings, *, max_bytes: int) -> AsyncIterator[bytes]:
    """The body's chunks; raises TooLarge at once where the header already says so, TooSlow when too little comes."""
    refusal = TooLarge(f"The request body is over {max_bytes} bytes. Send less at a time.", code="body_too_large")
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > max_bytes:
        raise refusal
    received = 0
    stream, pace = request.stream(), Pace(settings.upload_idle_s)
    try:
        while chunk := await _next(stream, patience_s=settings.upload_idle_s):
            received += len(chunk)
            if received > max_bytes:
                raise refusal
            pace.keep(received)
            yield chunk
    except TimeoutError:
        detail = f"The upload stood still, or all but still, for {settings.upload_idle_s:.0f} s. Send it again."
        raise TooSlow(detail) from None


async def _next(stream: AsyncIterator[bytes], *, patience_s: float) -> bytes:
    async with asyncio.timeout(patience_s):  # no task of its own, as `wait_for` would start one for every chunk
        return await anext(stream, b"")


class Pace:
    """Raises TimeoutError at an upload that sends too little in any stretch of time, a byte now and then."""

    def __init__(self, stretch_s: float) -> None:
        self._stretch_s = stretch_s
        self._began_at, self._began_with = time.monotonic(), 0

    def keep(self, received: int) -> None:
        """Call it with all that was received so far, in bytes."""
        now = time.monotonic()
        if now - self._began_at < self._stretch_s:
            return
        if received - self._began_with < SLOWEST_BYTES_PER_S * self._stretch_s:
            raise TimeoutError
        self._began_at, self._began_with = now, received

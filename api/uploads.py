"""Reads a request's body into shards: a multipart body as it streams, a ZIP once it is spooled."""

import asyncio
import time
from collections.abc import AsyncIterator
from tempfile import TemporaryFile

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.multipart import parse_options_header

from api.context import Context
from api.intake import Intake
from api.multipart import ZIP_TYPES, ImagePart, MultipartBody, ZipPart, is_zip
from api.zips import unpack
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


async def receive_job(request: Request, context: Context, intake: Intake) -> None:
    """Feeds every image of the body to the intake and closes it."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type == b"multipart/form-data" and b"boundary" in options:
        await _receive_multipart(request, context, intake, boundary=options[b"boundary"])
    elif media_type.decode(errors="replace") in ZIP_TYPES:
        await _receive_zip(request, context, intake)
    else:
        raise Malformed(
            "Send the images as multipart/form-data, or one ZIP with Content-Type: application/zip.",
            code="unknown_media_type",
        )
    await run_in_threadpool(intake.close)


async def receive_image(request: Request, context: Context, intake: Intake) -> None:
    """Feeds the one image of the body to the intake; raises Malformed or TooLarge for anything else."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type == b"multipart/form-data" and b"boundary" in options:
        await _receive_multipart(request, context, intake, boundary=options[b"boundary"])
    else:
        part = ImagePart("image", intake, context.settings)
        async for chunk in _chunks(request, context.settings, max_bytes=context.settings.max_image_bytes):
            part.write(memoryview(chunk))
        part.end()
    await run_in_threadpool(intake.close)
    if (sent := sum(shard.count for shard in intake.stored)) != 1:
        raise Malformed(f"/predict takes one image, not {sent}. Send many to POST /v1/jobs.", code="not_one_image")


async def _receive_multipart(request: Request, context: Context, intake: Intake, *, boundary: bytes) -> None:
    settings = context.settings

    def open_part(name: str, media_type: str) -> ImagePart | ZipPart:
        if is_zip(name, media_type):
            return ZipPart(context.storage, intake, settings)
        return ImagePart(name, intake, settings)

    body = MultipartBody(boundary, open_part=open_part)
    async for chunk in _chunks(request, settings, max_bytes=settings.max_body_bytes):
        await run_in_threadpool(body.write, chunk)
    body.end()


async def _receive_zip(request: Request, context: Context, intake: Intake) -> None:
    settings = context.settings
    with TemporaryFile(dir=context.storage.spool_folder()) as file:
        async for chunk in _chunks(request, settings, max_bytes=settings.max_body_bytes):
            await run_in_threadpool(file.write, chunk)
        await run_in_threadpool(unpack, file, intake, settings=settings)


async def _chunks(request: Request, settings: Settings, *, max_bytes: int) -> AsyncIterator[bytes]:
    """The body's chunks; raises TooLarge at once where the header already says so, TooSlow when too little comes."""
    refusal = TooLarge(f"The request body is over {max_bytes} bytes. Send less at a time.", code="body_too_large")
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > max_bytes:
        raise refusal
    received = 0
    stream, pace = request.stream(), Pace(settings.upload_idle_s)
    try:
        while chunk := await asyncio.wait_for(anext(stream, b""), settings.upload_idle_s):
            received += len(chunk)
            if received > max_bytes:
                raise refusal
            pace.keep(received)
            yield chunk
    except TimeoutError:
        detail = f"The upload stood still, or all but still, for {settings.upload_idle_s:.0f} s. Send it again."
        raise TooSlow(detail) from None


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

"""Receives a request's body into an upload: a multipart body as it streams, a ZIP once it is spooled."""

from contextlib import closing

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.multipart import parse_options_header

from api.uploads.body import read_body
from api.uploads.multipart import MultipartBody
from api.uploads.parts import ZIP_TYPES, ImagePart, ZipPart
from api.uploads.writer import UploadWriter
from core.errors import Malformed
from core.settings import Settings

WRITE_BUFFER_BYTES = 256 * 1024
"""How much of a body is collected in memory before a thread parses it."""

Body = MultipartBody | ZipPart | ImagePart


async def receive_job(request: Request, upload: UploadWriter, *, settings: Settings) -> None:
    """Write every image of the body to the upload, and close the upload.

    The body is a form of many files, ZIPs among them, or one raw ZIP. Raises Malformed, TooLarge or TooSlow.
    """
    body: Body
    media_type, boundary = _content_type(request)
    if boundary is not None:
        body = MultipartBody(boundary, upload, settings=settings)
    elif media_type in ZIP_TYPES:
        body = ZipPart(upload, settings=settings)
    else:
        raise Malformed(
            f"The Content-Type is {media_type[:100]!r}. Send the images as multipart/form-data (curl -F "
            "files=@image.png), or one ZIP as application/zip (curl -H 'Content-Type: application/zip' "
            "--data-binary @images.zip).",
            code="unknown_media_type",
        )
    await _receive(request, body, upload, settings=settings, max_bytes=settings.max_body_bytes)


async def receive_image(request: Request, upload: UploadWriter, *, settings: Settings) -> None:
    """Write the body's one image to the upload, and close the upload.

    The body is a form with one file, or the image itself. Raises Malformed, TooLarge or TooSlow.
    """
    body: Body
    _, boundary = _content_type(request)
    if boundary is not None:
        body, max_bytes = MultipartBody(boundary, upload, settings=settings), settings.max_body_bytes
    else:
        body, max_bytes = ImagePart("image", upload, settings=settings), settings.max_image_bytes
    await _receive(request, body, upload, settings=settings, max_bytes=max_bytes)
    if (count := sum(shard.count for shard in upload.stored)) != 1:
        raise Malformed(f"/predict takes one image, not {count}. Send many to POST /v1/jobs.", code="not_one_image")


def _content_type(request: Request) -> tuple[str, bytes | None]:
    """Return the body's media type, and its boundary if it is a form."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary") if media_type == b"multipart/form-data" else None
    return media_type.decode(errors="replace"), boundary


async def _receive(request: Request, body: Body, upload: UploadWriter, *, settings: Settings, max_bytes: int) -> None:
    """Parse and store the body in threads, WRITE_BUFFER_BYTES at a time; the last thread also closes the upload."""

    def finish(last: bytes) -> None:
        body.write(last)
        body.end()
        upload.close()

    buffer = bytearray()
    with closing(body):
        async for chunk in read_body(request, max_bytes=max_bytes, idle_s=settings.upload_idle_s):
            buffer += chunk
            if len(buffer) >= WRITE_BUFFER_BYTES:
                await run_in_threadpool(body.write, bytes(buffer))
                buffer.clear()
        await run_in_threadpool(finish, bytes(buffer))

"""Headers that requests and responses carry beside the standard ones, as the API reference declares them."""

from typing import Annotated

from fastapi import Header

Headers = dict[str, dict[str, object]]

IfNoneMatch = Annotated[
    str | None,
    Header(description="The `ETag` of an earlier response. If it is still the current one, the answer is 304."),
]

RANGE_PARAMETERS: list[dict[str, object]] = [
    {
        "name": "Range",
        "in": "header",
        "description": "The bytes to send, so that an interrupted download can go on.",
        "schema": {"type": "string"},
        "example": "bytes=1000-",
    },
    {
        "name": "If-Range",
        "in": "header",
        "description": "The `ETag` of the download that goes on. With another one, the answer is the whole file.",
        "schema": {"type": "string"},
    },
]
"""Read by Starlette's file response, so they are declared by hand."""


def _header(description: str, *, type_: str = "string") -> dict[str, object]:
    return {"description": description, "schema": {"type": type_}}


ETAG: Headers = {"ETag": _header("Names this version of the resource, for `If-None-Match`.")}
LOCATION: Headers = {"Location": _header("Path of the resource to ask for next.")}
RETRY_AFTER: Headers = {"Retry-After": _header("Seconds to wait before the next request.", type_="integer")}
WWW_AUTHENTICATE: Headers = {"WWW-Authenticate": _header("The authentication scheme: `Bearer`.")}
CONTENT_DISPOSITION: Headers = {"Content-Disposition": _header("`attachment`, with a file name.")}
CONTENT_RANGE: Headers = {"Content-Range": _header("Which bytes of how many are sent.")}
ACCEPT_RANGES: Headers = {"Accept-Ranges": _header("`bytes`: the download can go on where it stopped.")}
CACHE_CONTROL: Headers = {"Cache-Control": _header("How long the response may be reused.")}

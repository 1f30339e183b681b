"""Every stable error code of the API with its meaning, by HTTP status. A test compares it with what the code raises."""

from collections.abc import Iterable

from core.states import ItemErrorCode

ITEM_ERRORS: dict[ItemErrorCode, str] = {
    ItemErrorCode.EMPTY_FILE: "The file has no bytes.",
    ItemErrorCode.NOT_AN_IMAGE: "The file is not an image.",
    ItemErrorCode.UNSUPPORTED_IMAGE: "The image has a format or color mode that is not supported.",
    ItemErrorCode.ANIMATED_IMAGE: "The image has several frames.",
    ItemErrorCode.TRUNCATED_IMAGE: "The image breaks off or is damaged.",
    ItemErrorCode.TOO_MANY_PIXELS: "The image has more pixels than are decoded.",
    ItemErrorCode.IMAGE_TOO_LARGE: "The file has more bytes than the limit of one image.",
    ItemErrorCode.CRASHED_WORKER: "Workers crashed each time they processed this image alone.",
    ItemErrorCode.OBJECT_MISSING: "The stored upload is missing on the server.",
    ItemErrorCode.OBJECT_CORRUPT: "The stored upload differs from what was accepted.",
}

CODES: dict[int, dict[str, str]] = {
    400: {"disconnected": "The request ended before its body did."},
    401: {
        "no_key": "The request has no API key.",
        "unauthenticated": "The API key is unknown, wrong or revoked.",
        "key_expired": "The API key has expired.",
    },
    403: {"forbidden": "The API key lacks the scope that the request needs."},
    404: {
        "not_found": "There is no such route or resource.",
        "job_not_found": "The key's owner has no job of this id.",
        "item_not_found": "The job has no image of this index.",
        "item_pending": "The image has no result yet. Ask again later.",
        "item_cancelled": "The image was cancelled before it was classified.",
        "no_cam": "The image failed, so it has no CAM.",
        "no_overlay": "The image failed, so it has no overlay.",
        "image_not_kept": "The image was over the size limit and was not stored.",
        "object_missing": ITEM_ERRORS[ItemErrorCode.OBJECT_MISSING],
    },
    405: {"method_not_allowed": "The route does not take this method; the header `Allow` lists those it takes."},
    408: {"upload_stalled": "The upload sent too little for too long."},
    409: {
        "job_not_finished": "The job has not ended.",
        "job_ended": "The job has ended already.",
        "nothing_to_retry": "No image of the job failed.",
    },
    410: {"gone": "The job's images and results were deleted."},
    413: {
        "body_too_large": "The request body is larger than the limit.",
        "too_many_images": "The request holds more entries than the limit.",
        "zip_expands_too_far": "The ZIP expands to more bytes than the limit.",
    },
    415: {code: text for code, text in ITEM_ERRORS.items() if not code.is_server_fault},
    422: {
        "invalid_request": "A parameter is malformed or out of range; `errors` names it.",
        "unknown_model": "There is no such model, version or precision.",
        "bad_cursor": "`after` is not a cursor of this list.",
        "unknown_media_type": "The `Content-Type` is neither a form nor a ZIP.",
        "bad_multipart": "The form cannot be parsed.",
        "not_a_file": "A form field is not a file.",
        "bad_zip": "A ZIP is broken or unsafe; `errors` names the entry.",
        "no_images": "The upload holds no image.",
        "not_one_image": "The upload does not hold exactly one image.",
    },
    500: {
        "internal_error": "An unexpected error; the server's log has the details.",
        "archive_failed": "The archive could not be built.",
        **{code: text for code, text in ITEM_ERRORS.items() if code.is_server_fault},
    },
    503: {
        "database_unavailable": "The database cannot be reached. Try again.",
        "upload_lost": "The upload took so long that its images were cleared away. Send it again.",
        "overlay_pending": "The overlay is not drawn yet. Try again.",
    },
    507: {"disk_full": "The server's disk is full; nothing was stored."},
}


def list_codes(codes: Iterable[tuple[str, str]]) -> str:
    """Return a Markdown list of these pairs of code and meaning."""
    return "\n".join(f"- `{code}`: {meaning}" for code, meaning in codes)

"""The errors of Batchlight as one small tree. The API returns the stable `code` of each, and the client shows it.

BatchlightError
├── NotFound            the resource does not exist, or belongs to another owner
├── Conflict            the state of the resource does not allow the request
├── Gone                the resource existed, and its results were deleted
├── Unauthenticated     no key, or an unknown, revoked or expired one
├── Forbidden           the key lacks the scope
├── Malformed           the request cannot be parsed
│   └── BadZip          the ZIP is broken or unsafe; names the entry
├── TooLarge            the request exceeds a limit of this server
├── TooSlow             the upload sent nothing, or next to nothing, for too long
├── NotAnImage          the body of `/predict` is not an image that can be classified
├── Unavailable         a part of the system cannot serve the request now; trying again later helps
└── Broken              the server's own data is damaged; trying again does not help
    └── UnreadableShard (core.objects.shard_format) a stored upload differs from what was written
"""

from core.states import ItemErrorCode


class BatchlightError(Exception):
    """The base of all errors; `detail` says what was wrong and what to do, `entry` names the entry of an upload."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, entry: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.entry = entry


class NotFound(BatchlightError):
    code = "not_found"


class Conflict(BatchlightError):
    code = "conflict"


class Gone(BatchlightError):
    code = "gone"


class Unauthenticated(BatchlightError):
    code = "unauthenticated"


class Forbidden(BatchlightError):
    code = "forbidden"


class Malformed(BatchlightError):
    code = "malformed"


class BadZip(Malformed):
    code = "bad_zip"


class TooLarge(BatchlightError):
    code = "too_large"


class TooSlow(BatchlightError):
    code = "upload_stalled"


class NotAnImage(BatchlightError):
    code = ItemErrorCode.NOT_AN_IMAGE


class Unavailable(BatchlightError):
    code = "unavailable"


class Broken(BatchlightError):
    code = "broken"

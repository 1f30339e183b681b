"""Everything Batchlight refuses, as one small tree; `code` is stable and stored, returned and shown.

BatchlightError
├── NotFound            the thing does not exist, or belongs to another owner
├── Conflict            the thing is in a state that does not allow this
├── Gone                the thing existed and its retention has passed
├── Unauthenticated     no key, or one that is not known, revoked or expired
├── Forbidden           the key lacks the scope
├── Malformed           the request cannot be understood
│   └── BadZip          the ZIP is broken or unsafe; names the entry
├── TooLarge            a limit of this server is exceeded
├── TooSlow             an upload stood still for too long
├── NotAnImage          `/predict` was given something that is no usable image
├── Unavailable         a part of the system cannot serve this now; try again later
└── Broken              something of ours is damaged; trying again does not help
    └── UnreadableShard (core.objects.shard_format) a stored upload is not what was written
"""


class BatchlightError(Exception):
    """Base of all; `detail` says what was wrong and what to do."""

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
    code = "not_an_image"


class Unavailable(BatchlightError):
    code = "unavailable"


class Broken(BatchlightError):
    code = "broken"

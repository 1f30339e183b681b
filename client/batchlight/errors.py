"""Everything the client raises on purpose.

BatchlightError
├── InvalidAddress      the server's address cannot be used as it is written
├── MissingKey          no API key was given
├── InvalidUpload       what was given cannot be sent: no images, too many, unreadable, changed meanwhile
├── Unreachable         no answer came, or it was cut off
├── UnexpectedAnswer    an answer came, but not one of a Batchlight server that this client understands
├── WaitTimeout         the job did not end within the time the caller allowed; it goes on
└── Problem             the server refused the request and said why
    └── NotAuthenticated    the key is missing, wrong or revoked (401)
"""

from dataclasses import dataclass


class BatchlightError(Exception):
    """The message says what was wrong and, where the client can know it, what to do; `code` is stable."""

    code = "error"


class InvalidAddress(BatchlightError):
    code = "invalid_address"


class MissingKey(BatchlightError):
    code = "missing_key"


class InvalidUpload(BatchlightError):
    code = "invalid_upload"


class Unreachable(BatchlightError):
    code = "unreachable"


class ConnectionLost(Unreachable):
    code = "connection_lost"


class UnexpectedAnswer(BatchlightError):
    code = "unexpected_answer"


class WaitTimeout(BatchlightError):
    code = "wait_timeout"


@dataclass(frozen=True, slots=True)
class Fault:
    """One place in the request that the server objects to: an entry of a ZIP, a query parameter, a field."""

    where: str
    detail: str
    code: str | None = None


class Problem(BatchlightError):
    """A problem response (RFC 9457): programs decide by `code`, people read `detail`."""

    def __init__(
        self, *, status: int, code: str, title: str, detail: str | None = None, errors: tuple[Fault, ...] = ()
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors


class NotAuthenticated(Problem):
    pass

"""Everything that the client raises on purpose.

BatchlightError
├── InvalidAddress      the server's address cannot be used as it is written
├── MissingKey          the API key is missing or malformed
├── InvalidUpload       the files cannot be sent: no images, too many, unreadable, changed during the upload
├── InvalidDestination  a result cannot be written where the caller asked
├── Unreachable         no response came
│   └── ConnectionLost      the connection broke during an upload or a download
├── UnexpectedResponse  a response came, but not one of a Batchlight server that this client understands
├── WaitTimeout         the job did not end within the caller's limit; it continues on the server
└── Problem             the server refused the request and gave a reason
    └── NotAuthenticated    the key is missing, wrong or revoked (401)
"""

from dataclasses import dataclass


class BatchlightError(Exception):
    """Base class of every error of the client.

    The message states what was wrong and what to do next.

    Attributes:
        code: Stable identifier for programs, for example `"invalid_upload"` or the server's `"job_not_found"`.

    Example:
        ```python
        try:
            job = client.submit("photos")
        except BatchlightError as error:
            print(error.code, error)
        ```
    """

    code = "error"


class InvalidAddress(BatchlightError):
    """The server's address is not an http or https URL with a host."""

    code = "invalid_address"


class MissingKey(BatchlightError):
    """The API key is empty or contains characters that no key contains."""

    code = "missing_key"


class InvalidUpload(BatchlightError):
    """The files cannot be sent: none was found, too many, one is unreadable or changed during the upload."""

    code = "invalid_upload"


class InvalidDestination(BatchlightError):
    """A result cannot be written to the path that the caller named."""

    code = "invalid_destination"


class Unreachable(BatchlightError):
    """The server did not respond."""

    code = "unreachable"


class ConnectionLost(Unreachable):
    """The connection broke during an upload or a download."""

    code = "connection_lost"


class UnexpectedResponse(BatchlightError):
    """The response is not one of a Batchlight server that this client understands."""

    code = "unexpected_response"


class WaitTimeout(BatchlightError):
    """The job did not end within the caller's limit. It continues on the server."""

    code = "wait_timeout"


@dataclass(frozen=True, slots=True)
class ProblemError:
    """One part of the request that the server objects to.

    Attributes:
        where: Name of the ZIP entry, or JSON pointer to the query parameter or field; empty if unspecified.
        detail: What is wrong with it.
        code: Stable identifier, or None.

    Example:
        ```python
        for error in problem.errors:
            print(error.where, error.detail)
        ```
    """

    where: str
    detail: str
    code: str | None = None


class Problem(BatchlightError):
    """The server refused the request with a problem response (RFC 9457).

    Attributes:
        status: HTTP status.
        code: Stable identifier for programs, for example `"job_not_found"`.
        title: Short name of the kind of problem.
        detail: What was wrong and what to do, for people; None if the server gave none.
        errors: The parts of the request that the server objects to.

    Example:
        ```python
        try:
            client.cancel(job.id)
        except Problem as problem:
            if problem.code != "job_ended":
                raise
        ```
    """

    def __init__(
        self, *, status: int, code: str, title: str, detail: str | None = None, errors: tuple[ProblemError, ...] = ()
    ) -> None:
        super().__init__(detail or title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors


class NotAuthenticated(Problem):
    """The server does not accept the API key: it is missing, wrong, expired or revoked (401)."""

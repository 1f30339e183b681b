"""How the command ends: exit codes for scripts, and for people what went wrong and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from batchlight.client import Client
from batchlight.command.screen import note, printable, write_error
from batchlight.errors import (
    BatchlightError,
    ConnectionLost,
    InvalidAddress,
    InvalidUpload,
    MissingKey,
    NotAuthenticated,
    Problem,
    UnexpectedAnswer,
    Unreachable,
)
from batchlight.records import Job


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_AUTHENTICATED = 3
    REFUSED = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "images failed, or the job ended without all of them",
    ExitCode.USAGE: "wrong usage, or a local file cannot be read or written",
    ExitCode.NOT_AUTHENTICATED: "the API key is missing or wrong",
    ExitCode.REFUSED: "the server refused the request and says why",
    ExitCode.UNREACHABLE: "the server cannot be reached",
    ExitCode.INTERRUPTED: "interrupted; a job that was submitted goes on",
}

NO_KEY = "Put a key into BATCHLIGHT_KEY or --key. On the server: python -m ops keys create"
WRONG_KEY = "Check BATCHLIGHT_KEY or --key. A new key, on the server: python -m ops keys create"
NO_SERVER = "Is the server running there? Another address: BATCHLIGHT_URL or --url."
NO_BATCHLIGHT = "Check the address in BATCHLIGHT_URL or --url."

ENDINGS: tuple[tuple[type[BatchlightError], ExitCode, str | None], ...] = (
    (InvalidAddress, ExitCode.USAGE, None),
    (InvalidUpload, ExitCode.USAGE, None),
    (MissingKey, ExitCode.NOT_AUTHENTICATED, NO_KEY),
    (NotAuthenticated, ExitCode.NOT_AUTHENTICATED, WRONG_KEY),
    (Problem, ExitCode.REFUSED, None),
    (ConnectionLost, ExitCode.UNREACHABLE, None),
    (Unreachable, ExitCode.UNREACHABLE, NO_SERVER),
    (UnexpectedAnswer, ExitCode.UNREACHABLE, NO_BATCHLIGHT),
)
"""The first row that fits says with which code an error ends the command, and what to do about it."""

CODE_HINTS = {
    "job_not_finished": "Wait for it first: batchlight status JOB --wait",
    "not_found": "See your jobs: batchlight jobs",
    "unknown_model": "See the models there are: batchlight models",
}


@contextmanager
def connected(url: str, key: str, *, as_json: bool) -> Iterator[Client]:
    """A client for one command; whatever goes wrong meanwhile becomes a message and an exit code."""
    try:
        with Client(url, key) as client:
            yield client
    except BatchlightError as error:
        code, hint = _ending(error)
        write_error(error, hint=hint, as_json=as_json)
        raise typer.Exit(code) from None
    except KeyboardInterrupt:
        note("Interrupted.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        note(f"{printable(str(error.filename or 'A local file'))}: {error.strerror or error}.", style="red")
        raise typer.Exit(ExitCode.USAGE) from None


def exit_code_of(job: Job) -> ExitCode:
    return ExitCode.FAILED if job.ended and not job.succeeded else ExitCode.OK


def _ending(error: BatchlightError) -> tuple[ExitCode, str | None]:
    code, hint = next((code, hint) for kind, code, hint in ENDINGS if isinstance(error, kind))
    return code, CODE_HINTS.get(error.code, hint)

"""How the command ends: exit codes for scripts, and for people what was wrong and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from batchlight.client.client import Client
from batchlight.command.screen import note, printable, write_error
from batchlight.errors import (
    BatchlightError,
    ConnectionLost,
    InvalidAddress,
    InvalidDestination,
    InvalidUpload,
    MissingKey,
    NotAuthenticated,
    Problem,
    UnexpectedResponse,
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
    ExitCode.OK: "success",
    ExitCode.FAILED: "images failed, or the job ended without all of them",
    ExitCode.USAGE: "wrong usage, or a local file cannot be read or written",
    ExitCode.NOT_AUTHENTICATED: "the API key is missing or wrong",
    ExitCode.REFUSED: "the server refused the request and says why",
    ExitCode.UNREACHABLE: "the server cannot be reached",
    ExitCode.INTERRUPTED: "interrupted; a submitted job continues",
}

CREATE_KEY = 'Create a key on the server: .venv/bin/python -m ops keys create --owner "$USER"'

EXITS: tuple[tuple[type[BatchlightError], ExitCode, str | None], ...] = (
    (InvalidAddress, ExitCode.USAGE, None),
    (InvalidUpload, ExitCode.USAGE, None),
    (InvalidDestination, ExitCode.USAGE, None),
    (MissingKey, ExitCode.NOT_AUTHENTICATED, f"Set BATCHLIGHT_KEY or --key. {CREATE_KEY}"),
    (NotAuthenticated, ExitCode.NOT_AUTHENTICATED, f"Check BATCHLIGHT_KEY or --key. {CREATE_KEY}"),
    (Problem, ExitCode.REFUSED, None),
    (ConnectionLost, ExitCode.UNREACHABLE, "See your newest jobs: batchlight jobs --limit 5"),
    (Unreachable, ExitCode.UNREACHABLE, "Is the server running? Set another address: BATCHLIGHT_URL or --url."),
    (UnexpectedResponse, ExitCode.UNREACHABLE, "Check the address in BATCHLIGHT_URL or --url."),
    (BatchlightError, ExitCode.FAILED, None),
)
"""The exit code and hint of an error are in the first row whose type fits."""

CODE_HINTS = {
    "job_not_finished": "Wait for it first: batchlight status {job_id} --wait",
    "job_not_found": "See your jobs: batchlight jobs",
    "unknown_model": "See the models of the server: batchlight models",
}


@contextmanager
def connected(url: str, key: str, *, as_json: bool, job_id: str | None = None) -> Iterator[Client]:
    """A client for one command. An error in the block becomes a message and an exit code.

    `job_id` is the job that the command is about; it stands in the hints.
    """
    try:
        with Client(url, key) as client:
            yield client
    except BatchlightError as error:
        code, hint = _exit_of(error, job_id=job_id)
        write_error(error, hint=hint, as_json=as_json)
        raise typer.Exit(code) from None
    except KeyboardInterrupt:
        note("Interrupted.")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        note(f"{printable(str(error.filename or 'A local file'))}: {error.strerror or error}.", style="red")
        note("Make the path writable or choose another one, then run the command again.")
        raise typer.Exit(ExitCode.USAGE) from None


def exit_code_of(job: Job) -> ExitCode:
    return ExitCode.FAILED if job.ended and not job.succeeded else ExitCode.OK


def _exit_of(error: BatchlightError, *, job_id: str | None) -> tuple[ExitCode, str | None]:
    """The exit code, and the hint. Notes on the error are more specific than the table's hint and replace it."""
    code, hint = next((code, hint) for kind, code, hint in EXITS if isinstance(error, kind))
    notes = getattr(error, "__notes__", None)
    if notes:
        return code, "\n".join(notes)
    if error.code in CODE_HINTS:
        return code, CODE_HINTS[error.code].format(job_id=job_id)
    return code, hint

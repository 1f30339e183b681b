"""Atomic writing of files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a temporary path to write to, and move it to `target` when the block succeeds.

    When the block fails, the temporary file is removed and `target` stays as it was. An OSError is raised again with
    the name of the target, whichever library wrote the file.
    """
    part = target.with_name(f"part-{target.name}")
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, reason, str(target)) from error
    finally:
        part.unlink(missing_ok=True)

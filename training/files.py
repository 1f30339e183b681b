"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A path to write to, which takes the target's place when the block ends well and is removed when it does not.

    An OSError comes out with the target's name, whatever library wrote.
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

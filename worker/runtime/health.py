"""A health check: `python -m worker.runtime.health` exits with 0 if a worker of this host answers through Redis."""

import socket
import sys

from core.broker import BROKER_ERRORS
from worker.runtime.app import app

RESPONSE_TIMEOUT_S = 10


def answers() -> bool:
    """Return whether a worker of this host, of any queue, answers a ping in time."""
    node = app.control.inspect(
        pattern=f"*@{socket.gethostname()}",
        matcher="glob",  # type: ignore[arg-type]  # the stubs ask for a function; Celery takes its name
        timeout=RESPONSE_TIMEOUT_S,
        limit=1,
    )
    try:
        return bool(node.ping())
    except BROKER_ERRORS:
        return False


if __name__ == "__main__":
    sys.exit(not answers())

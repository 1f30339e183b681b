"""Does this machine's worker answer: `python -m worker.runtime.health` asks it through Redis and ends with 0 or 1."""

import socket
import sys

from core.broker import BROKER_ERRORS
from worker.runtime.app import app

ANSWER_WAIT_S = 10


def answers() -> bool:
    """Whether a worker of this host, whatever its queue, answers a ping in time."""
    node = app.control.inspect(
        pattern=f"*@{socket.gethostname()}",
        matcher="glob",  # type: ignore[arg-type]  # the stubs ask for a function; Celery takes its name
        timeout=ANSWER_WAIT_S,
        limit=1,
    )
    try:
        return bool(node.ping())
    except BROKER_ERRORS:
        return False


if __name__ == "__main__":
    sys.exit(not answers())

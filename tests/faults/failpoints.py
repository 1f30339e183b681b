"""Faults that a test injects into the processes of a stack: files that `core.failpoints` reads."""

import time
from dataclasses import dataclass
from pathlib import Path

from core.failpoints import Point
from tests.http import TIMEOUT_S

POLL_INTERVAL_S = 0.02


@dataclass(frozen=True)
class Failpoints:
    """The folder that the processes of one stack read their failpoints from."""

    folder: Path

    def inject(self, point: Point, action: str) -> None:
        """Make the next process that reaches this point run the action (see `core.failpoints`)."""
        part = self.folder / f".{point}"
        part.write_text(action)
        part.replace(self.folder / point)

    def hits(self, point: Point) -> list[int]:
        """Return the process ids of those that ran an injected action at this point."""
        return [int(hit.name.split(".")[1]) for hit in self.folder.glob(f"{point}.*.hit")]

    def wait_for_hit(self, point: Point, *, timeout_s: float = TIMEOUT_S) -> int:
        """Wait until a process has run the action injected at this point, and return its process id."""
        until_s = time.monotonic() + timeout_s
        while not (hits := self.hits(point)):
            assert time.monotonic() < until_s, f"no process reached {point}"
            time.sleep(POLL_INTERVAL_S)
        return hits[0]

    def clear(self) -> None:
        """Remove every injected fault and every hit."""
        for file in self.folder.iterdir():
            file.unlink(missing_ok=True)

"""The time that the system took to recover from each fault, printed and written at the end of the suite."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recovery:
    """One fault on one database. `seconds` is None where there was nothing to recover from."""

    fault: str
    database: str
    seconds: float | None
    limit_s: float | None


RECOVERIES: list[Recovery] = []


def note(fault: str, *, database: str, seconds: float | None = None, limit_s: float | None = None) -> None:
    """Add a line to the table of recoveries, and assert the limit."""
    RECOVERIES.append(Recovery(fault, database, seconds, limit_s))
    if seconds is not None and limit_s is not None:
        assert seconds <= limit_s, f"{fault}: recovered after {seconds:.1f} s, the limit is {limit_s:.0f} s"


def table(recoveries: list[Recovery]) -> str:
    """Return the recoveries as a Markdown table for docs/reliability.md."""
    rows = ["| fault | database | recovery | limit |", "| --- | --- | --- | --- |"]
    rows += [f"| {r.fault} | {r.database} | {_shown(r.seconds)} | {_shown(r.limit_s)} |" for r in recoveries]
    return "\n".join(rows)


def write(recoveries: list[Recovery], file: Path) -> None:
    """Write the recoveries as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(recovery) for recovery in recoveries], indent=1) + "\n")


def _shown(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"

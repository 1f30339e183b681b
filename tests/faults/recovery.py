"""How long the system took to go on after each fault: kept while the suite runs, printed and written at its end."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recovery:
    """One fault on one database. `seconds` is None where nothing was to recover."""

    fault: str
    database: str
    seconds: float | None
    limit_s: float | None


RECOVERIES: list[Recovery] = []


def table(recoveries: list[Recovery]) -> str:
    """Markdown, as it stands in docs/reliability.md."""
    rows = ["| fault | database | recovery | limit |", "| --- | --- | --- | --- |"]
    rows += [f"| {r.fault} | {r.database} | {_shown(r.seconds)} | {_shown(r.limit_s)} |" for r in recoveries]
    return "\n".join(rows)


def write(recoveries: list[Recovery], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([asdict(recovery) for recovery in recoveries], indent=1) + "\n")


def _shown(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.1f} s"

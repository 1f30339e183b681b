"""`python -m bench compare BEFORE.json AFTER.json`: which results changed by more than their spread."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.harness.results import MACHINE
from bench.reporting.targets import TARGETS

COMPARED_FACTS = ("cpu", "cores", "mode")


@dataclass(frozen=True)
class Change:
    """One key before and after; a value is None where the key was not measured."""

    key: str
    before: float | None
    after: float | None
    spread: float

    @property
    def relative(self) -> float | None:
        """The difference as a share of the earlier value; None if one of the two is missing."""
        if self.before is None or self.after is None or self.before == 0:
            return None
        return self.after / self.before - 1

    @property
    def evaluation(self) -> str:
        """`better`, `worse`, `within the spread`, or which of the two values is missing."""
        if self.before is None and self.after is None:
            return "not measured"
        if self.relative is None:
            return "not measured before" if self.before is None else "not measured after"
        if abs(self.relative) <= self.spread:
            return "within the spread"
        return "better" if (self.relative > 0) == TARGETS[self.key].higher_is_better else "worse"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the change of every key that either file has, in the order of the targets."""
    for key in TARGETS:
        if key in before or key in after:
            one, other = before.get(key) or {}, after.get(key) or {}
            spread = max(one.get("spread") or 0.0, other.get("spread") or 0.0)
            yield Change(key, one.get("value"), other.get("value"), spread)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the facts in which the two machines or modes differ, which make a comparison doubtful."""
    one, other = before.get(MACHINE) or {}, after.get(MACHINE) or {}
    return [
        f"{name}: {one.get(name)} before, {other.get(name)} after"
        for name in COMPARED_FACTS
        if one.get(name) != other.get(name)
    ]


def change_table(found: Iterator[Change]) -> Table:
    """Return a table with one line per change."""
    table = Table("key", "before", "after", "change", "spread", "result")
    table.columns[0].no_wrap = True
    for one in found:
        relative = "–" if one.relative is None else f"{one.relative:+.1%}"
        table.add_row(one.key, _figure(one.before), _figure(one.after), relative, f"{one.spread:.0%}", one.evaluation)
    return table


def compare(before: Path, after: Path, *, console: Console) -> None:
    """Print how the results of the file `after` differ from those of the file `before`.

    Raises SystemExit if a file is missing or is not JSON.
    """
    contents = [_read(file) for file in (before, after)]
    for difference in differences(*contents):
        console.print(f"The two results are hard to compare. {difference}", style="yellow")
    console.print(change_table(changes(*contents)))


def _read(file: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(
            f"{file} is not a results file: {error}. `python -m bench --out {file}` measures and writes one."
        ) from error
    return content


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"

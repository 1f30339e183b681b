"""`python -m bench.reporting.compare BEFORE.json AFTER.json`: what moved further than the runs of either disagree."""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.harness.results import MACHINE
from bench.reporting.table import TARGETS

SAME_MACHINE = ("cpu", "cores", "mode")


@dataclass(frozen=True)
class Move:
    """One key before and after; None where it was not measured."""

    key: str
    before: float | None
    after: float | None
    spread: float

    @property
    def change(self) -> float | None:
        """The difference as a share of the earlier value; None where one of both is missing."""
        if self.before is None or self.after is None or self.before == 0:
            return None
        return self.after / self.before - 1

    @property
    def verdict(self) -> str:
        if self.before is None and self.after is None:
            return "not measured"
        if self.change is None:
            return "not measured before" if self.before is None else "not measured after"
        if abs(self.change) <= self.spread:
            return "within the spread"
        rises_well = TARGETS[self.key].bound == "≥"
        return "better" if (self.change > 0) == rises_well else "worse"


def moves(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Move]:
    """A line for every key that either file knows, in the order of the targets."""
    for key in TARGETS:
        if key in before or key in after:
            one, other = before.get(key) or {}, after.get(key) or {}
            spread = max(one.get("spread") or 0.0, other.get("spread") or 0.0)
            yield Move(key, one.get("value"), other.get("value"), spread)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What makes the two files hard to compare: other machines or modes."""
    facts = before.get(MACHINE) or {}, after.get(MACHINE) or {}
    return [
        f"{name}: {facts[0].get(name)} before, {facts[1].get(name)} after"
        for name in SAME_MACHINE
        if facts[0].get(name) != facts[1].get(name)
    ]


def draw_moves(found: Iterator[Move]) -> Table:
    table = Table("key", "before", "after", "change", "spread", "verdict")
    for move in found:
        change = "–" if move.change is None else f"{move.change:+.1%}"
        table.add_row(move.key, _figure(move.before), _figure(move.after), change, f"{move.spread:.0%}", move.verdict)
    return table


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.reporting.compare", description="What moved between two results."
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    options = parser.parse_args()
    before, after = (json.loads(file.read_text("utf-8")) for file in (options.before, options.after))
    console = Console()
    for difference in differences(before, after):
        console.print(f"These are hard to compare. {difference}", style="yellow")
    console.print(draw_moves(moves(before, after)))


if __name__ == "__main__":
    main()

"""What a benchmark says: a median with its spread, or why there is none; and the file that holds them all."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

NOISY = 0.2
"""A spread over this makes a figure doubtful; it is marked, never hidden."""

MACHINE, STAGES, TIMELINE, COSTS, CONTENTION = "machine", "stages", "timeline", "unit_costs", "contention"
"""The keys of a results file that are no measured ratios."""

Facts = Mapping[str, object]


class Unavailable(Exception):
    """This cannot be measured here; the message says what is missing and why."""


@dataclass(frozen=True)
class Measured:
    """The median of these runs. `detail` names absolute figures behind the ratio, for people."""

    runs: Sequence[float]
    detail: Mapping[str, float]

    @property
    def value(self) -> float:
        return statistics.median(self.runs)

    @property
    def spread(self) -> float | None:
        """The distance from the lowest run to the highest, as a share of the median; None of a single run."""
        if len(self.runs) < 2 or not self.value:
            return None
        return (max(self.runs) - min(self.runs)) / abs(self.value)

    @property
    def is_noisy(self) -> bool:
        return self.spread is not None and self.spread > NOISY

    def to_json(self) -> dict[str, object]:
        return {
            "value": _rounded(self.value),
            "spread": None if self.spread is None else _rounded(self.spread),
            "runs": [_rounded(run) for run in self.runs],
            "detail": {name: _rounded(figure) for name, figure in self.detail.items()},
            "at": _now(),
        }


@dataclass(frozen=True)
class Missing:
    """A key that could not be measured."""

    reason: str

    def to_json(self) -> dict[str, object]:
        return {"value": None, "spread": None, "not_available": self.reason, "at": _now()}


Finding = Measured | Missing
Findings = dict[str, Finding]


def paired(
    ours: Callable[[], float], theirs: Callable[[], float], *, pairs: int, names: tuple[str, str], warm_up: bool = True
) -> Measured:
    """`ours() ÷ theirs()`, measured in turns so that a slow minute of the machine strikes both; one pair goes first."""
    if warm_up:
        ours()
        theirs()
    rates = [(ours(), theirs()) for _ in range(pairs)]
    return ratio(*zip(*rates, strict=True), names=names)


def ratio(ours: Sequence[float], theirs: Sequence[float], *, names: tuple[str, str]) -> Measured:
    """One run a pair; the medians of both sides are kept as its detail."""
    runs = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Measured(runs, {names[0]: statistics.median(ours), names[1]: statistics.median(theirs)})


def merged(file: Path, findings: Findings, facts: Facts) -> dict[str, object]:
    """What the file will hold: its earlier keys, those measured now in their place."""
    earlier: dict[str, object] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {**earlier, **{key: finding.to_json() for key, finding in findings.items()}, **facts}


def write_results(file: Path, results: Mapping[str, object]) -> None:
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _rounded(figure: float) -> float:
    return float(f"{figure:.4g}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

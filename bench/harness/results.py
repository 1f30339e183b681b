"""Results of benchmarks: the median of several runs with its spread, or why there is none; and their file."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

MAX_SPREAD = 0.2
"""A result with a larger spread is marked as noisy."""

MACHINE, STAGES, TIMELINE, UNIT_COSTS, CONTENTION, GPU = (
    "machine",
    "stages",
    "timeline",
    "unit_costs",
    "contention",
    "gpu",
)
"""The keys of a results file that hold no result with a target."""

Facts = Mapping[str, object]


class Unavailable(Exception):
    """A benchmark cannot run on this machine; the message says what is missing, and what to do about it."""


@dataclass(frozen=True)
class Measured:
    """The median of `runs`; `detail` names the absolute figures behind a ratio."""

    runs: Sequence[float]
    detail: Mapping[str, float]

    @property
    def value(self) -> float:
        return statistics.median(self.runs)

    @property
    def spread(self) -> float | None:
        """The distance from the lowest run to the highest, as a share of the median; None for a single run."""
        if len(self.runs) < 2 or not self.value:
            return None
        return (max(self.runs) - min(self.runs)) / abs(self.value)

    @property
    def is_noisy(self) -> bool:
        return self.spread is not None and self.spread > MAX_SPREAD

    def to_json(self) -> dict[str, object]:
        return {
            "value": _rounded(self.value),
            "spread": None if self.spread is None else _rounded(self.spread),
            "runs": [_rounded(run) for run in self.runs],
            "detail": {name: _rounded(figure) for name, figure in self.detail.items()},
            "at": _now(),
        }


@dataclass(frozen=True)
class NotMeasured:
    """A result that could not be measured, and why."""

    reason: str

    def to_json(self) -> dict[str, object]:
        return {"value": None, "spread": None, "not_available": self.reason, "at": _now()}


Result = Measured | NotMeasured
Results = dict[str, Result]


def paired_ratio(
    measure: Callable[[], float],
    reference: Callable[[], float],
    *,
    pairs: int,
    names: tuple[str, str],
    warm_up: bool = True,
) -> Measured:
    """Return `measure() ÷ reference()`, measured alternately, so that a slow minute of the machine slows both.

    Args:
        names: what the figures of both sides are called in the result's detail.
        warm_up: whether one more pair runs first and does not count.
    """
    if warm_up:
        measure()
        reference()
    figures = [(measure(), reference()) for _ in range(pairs)]
    return ratio(*zip(*figures, strict=True), names=names)


def ratio(measured: Sequence[float], reference: Sequence[float], *, names: tuple[str, str]) -> Measured:
    """Return the ratio of each pair as a run, and the median of both sides as its detail."""
    runs = [one / other for one, other in zip(measured, reference, strict=True)]
    return Measured(runs, {names[0]: statistics.median(measured), names[1]: statistics.median(reference)})


def merged(file: Path, results: Results, facts: Facts) -> dict[str, object]:
    """Return the content of the results file with these results and facts in the place of earlier ones."""
    earlier: dict[str, object] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {**earlier, **{key: result.to_json() for key, result in results.items()}, **facts}


def write_results(file: Path, content: Mapping[str, object]) -> None:
    """Write the results file."""
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _rounded(figure: float) -> float:
    return float(f"{figure:.4g}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""Compare a model version with the one it replaces: metric by metric, with a tolerance for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.manifest import Manifest

Throughputs = Mapping[str, float]
"""Images/s by precision."""


@dataclass(frozen=True)
class Criterion:
    """A metric that may not become worse by more than the tolerance.

    `key` is that of a manifest's metrics, or `THROUGHPUT.key`. A `relative` tolerance is a fraction of the old value.
    """

    key: str
    name: str
    tolerance: float
    higher_is_better: bool = True
    relative: bool = False

    def allows(self, old: float, new: float) -> bool:
        """Return whether the new value is within the tolerance."""
        loss = old - new if self.higher_is_better else new - old
        return loss <= self.tolerance * (abs(old) if self.relative else 1) + 1e-12


# One standard error of an accuracy of 95 % on 10,000 images: smaller differences are noise.
ACCURACY = Criterion("accuracy", "accuracy", 0.002)
# The other tolerances are estimates until the variance between trainings of one plan has been measured.
CALIBRATION = Criterion("calibration_error", "calibration error", 0.005, higher_is_better=False)
THROUGHPUT = Criterion("images_per_s", "images/s", 0.1, relative=True)
FAITHFULNESS = Criterion("faithfulness", "faithfulness", 0.02)
MARGIN = Criterion("faithfulness_margin", "faithfulness above random maps, at least", 0.02)
SANITY = Criterion("cam_sanity", "similarity of the CAM to that of shuffled weights", 0.1, higher_is_better=False)
CORRELATION = Criterion("cam_correlation", "correlation of its CAM with fp32", 0.01)

CRITERIA = (ACCURACY, CALIBRATION, THROUGHPUT, FAITHFULNESS, MARGIN, SANITY, CORRELATION)


@dataclass(frozen=True)
class Check:
    """The result of one criterion: a line of text for a person, and whether the new version fails it."""

    text: str
    failed: bool


def compare(old: Manifest, new: Manifest, *, old_throughputs: Throughputs, new_throughputs: Throughputs) -> list[Check]:
    """Check whether version `new` may replace version `old`.

    A metric that the old version lacks passes without a comparison. A metric, or a precision, that only the old version
    has fails.
    """
    checks = list(_check_labels(old, new))
    for precision in old.precisions:
        if precision not in new.precisions:
            checks.append(
                Check(f"precision {precision}: the new version lacks it, and jobs may ask for it", failed=True)
            )
            continue
        old_metrics = _with_throughput(old, precision, old_throughputs)
        new_metrics = _with_throughput(new, precision, new_throughputs)
        checks += [
            _check_criterion(precision, criterion, old_metrics, new_metrics)
            for criterion in CRITERIA
            if criterion.key in {*old_metrics, *new_metrics}
        ]
    return checks


def _with_throughput(manifest: Manifest, precision: str, throughputs: Throughputs) -> dict[str, float]:
    metrics = dict(manifest.precisions[precision].metrics)
    return metrics | ({THROUGHPUT.key: throughputs[precision]} if precision in throughputs else {})


def _check_labels(old: Manifest, new: Manifest) -> Iterator[Check]:
    if old.labels != new.labels:
        yield Check(
            "labels: they differ from those of the version it replaces; publish it under another --name", failed=True
        )


def _check_criterion(
    precision: str, criterion: Criterion, old_metrics: Mapping[str, float], new_metrics: Mapping[str, float]
) -> Check:
    old, new = old_metrics.get(criterion.key), new_metrics.get(criterion.key)
    line = f"{precision} {criterion.name}: {_formatted(old)} → {_formatted(new)}"
    if old is None:
        return Check(f"{line}, not compared", failed=False)
    if new is None:
        return Check(f"{line}, not measured for the new version", failed=True)
    if criterion.allows(old, new):
        return Check(line, failed=False)
    tolerance = f"{criterion.tolerance:.0%}" if criterion.relative else f"{criterion.tolerance:g}"
    return Check(f"{line}, worse by more than {tolerance}", failed=True)


def _formatted(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4f}"

"""Whether a model may take the place of another: figure by figure, with how much worse each may be, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.manifest import Manifest

Speeds = Mapping[str, float]


@dataclass(frozen=True)
class Measure:
    """A figure of a manifest's metrics, or `speed`. `tolerance` is how much worse the new one may be.

    With `relative` the tolerance is a share of the old figure.
    """

    key: str
    name: str
    tolerance: float
    higher_is_better: bool = True
    relative: bool = False

    def allows(self, old: float, new: float) -> bool:
        worse = old - new if self.higher_is_better else new - old
        return worse <= self.tolerance * (abs(old) if self.relative else 1) + 1e-12


# One standard error of an accuracy of 95 % on 10,000 images: less is not a difference.
ACCURACY = Measure("accuracy", "accuracy", 0.002)
# The rest are judgements, to be narrowed once the spread between trainings of one recipe has been measured.
CALIBRATION = Measure("calibration_error", "calibration error", 0.005, higher_is_better=False)
SPEED = Measure("speed", "images/s", 0.1, relative=True)
FAITHFULNESS = Measure("faithfulness", "faithfulness", 0.02)
MARGIN = Measure("faithfulness_margin", "faithfulness over chance, at least", 0.02)
SANITY = Measure("cam_sanity", "CAM's likeness to that of shuffled weights", 0.1, higher_is_better=False)
LIKENESS = Measure("cam_correlation", "likeness of its CAM to fp32", 0.01)

MEASURES = (ACCURACY, CALIBRATION, SPEED, FAITHFULNESS, MARGIN, SANITY, LIKENESS)


@dataclass(frozen=True)
class Finding:
    """One line of a comparison: `text` is for a person, `refused` says that the new model fails by it."""

    text: str
    refused: bool


def compare(old: Manifest, new: Manifest, *, old_speed: Speeds, new_speed: Speeds) -> list[Finding]:
    """What speaks for and against `new` in the place of `old`; speeds in images/s by precision.

    A figure that the old model lacks cannot be compared and passes; one that only the new model lacks is refused.
    """
    findings = list(_labels(old, new))
    for precision in old.precisions:
        if precision not in new.precisions:
            findings.append(Finding(f"precision {precision}: the new version lacks it; jobs may ask for it", True))
            continue
        ours, theirs = dict(old.metrics[precision]), dict(new.metrics[precision])
        ours |= {SPEED.key: old_speed[precision]} if precision in old_speed else {}
        theirs |= {SPEED.key: new_speed[precision]} if precision in new_speed else {}
        findings += [
            _judge(precision, measure, ours, theirs) for measure in MEASURES if {measure.key} & {*ours, *theirs}
        ]
    return findings


def _labels(old: Manifest, new: Manifest) -> Iterator[Finding]:
    if old.labels != new.labels:
        yield Finding("labels: they are not those of the version it replaces; give it a name of its own", True)


def _judge(precision: str, measure: Measure, ours: Mapping[str, float], theirs: Mapping[str, float]) -> Finding:
    old, new = ours.get(measure.key), theirs.get(measure.key)
    line = f"{precision} {measure.name}: {_shown(old)} → {_shown(new)}"
    if old is None:
        return Finding(f"{line}, cannot be compared", False)
    if new is None:
        return Finding(f"{line}, was not measured of the new version", True)
    if measure.allows(old, new):
        return Finding(line, False)
    allowed = f"{measure.tolerance:.0%}" if measure.relative else f"{measure.tolerance:g}"
    return Finding(f"{line}, worse by more than {allowed}", True)


def _shown(figure: float | None) -> str:
    if figure is None:
        return "unknown"
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.4f}"

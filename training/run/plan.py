"""The plan of a training run, kept as `plan.json`: all settings that decide its outcome, beside code and data."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Any

from model.backbones import DEFAULT_BACKBONE
from training.data.examples import VALIDATION_PER_CLASS
from training.files import atomic_write

DEFAULT_RUN = Path("training-output/fashion-mnist")
PLAN, TRAINED_MODEL = "plan.json", "classifier.keras"
MIN_SIZE_PX = 32


class Trainable(StrEnum):
    """The layers that a stage trains: all, those on maps of at most 1/8 of the image's side, or the last alone."""

    ALL = "all"
    LATE = "late"
    HEAD = "head"


_STAGE = re.compile(
    rf"(?P<size>\d+)x(?P<epochs>\d+)(:(?P<trainable>{'|'.join(Trainable)}))?(?P<consistency>\+consistency)?"
)


@dataclass(frozen=True)
class Stage:
    """Some epochs at one image size, in pixels a side. Small sizes come first: they cost less and teach the most.

    With `consistency` the CAM grid is regularized, see `training.fit.consistency`.
    """

    size: int
    epochs: int
    trainable: Trainable = Trainable.ALL
    consistency: bool = False


@dataclass(frozen=True)
class Augmentation:
    """Strength of the augmentation: probabilities, and lengths as fractions of the image's side."""

    flip: bool = True
    max_shift: float = 0.08
    max_zoom: float = 0.10
    erase_probability: float = 0.4
    max_erased_side: float = 0.4
    mixup_probability: float = 0.2
    cutmix_probability: float = 0.2


@dataclass(frozen=True)
class Plan:
    """The stages in order, and the settings of the whole run.

    `average_steps` is the time constant of the moving average of the weights. In the first `mix_fraction` of the run
    images are mixed and labels smoothed; at its end both would worsen the calibration. `consistency_weight` weighs
    the consistency loss in stages that have it.
    """

    stages: tuple[Stage, ...] = (
        Stage(32, 3),
        Stage(64, 9),
        Stage(96, 2),
        Stage(96, 7, Trainable.LATE),
        Stage(96, 14, Trainable.LATE, consistency=True),
    )
    backbone: str = DEFAULT_BACKBONE
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_fraction: float = 0.05
    label_smoothing: float = 0.05
    average_steps: int = 500
    mix_fraction: float = 0.7
    consistency_weight: float = 0.1
    dropout: float = 0.2
    patience_epochs: int = 6
    validation_per_class: int = VALIDATION_PER_CLASS
    seed: int = 20
    augmentation: Augmentation = field(default_factory=Augmentation)

    @property
    def epochs(self) -> int:
        """Epochs of all stages."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def largest_size(self) -> int:
        """Side of the largest images, in pixels."""
        return max(stage.size for stage in self.stages)

    def spans(self) -> Iterator[tuple[Stage, int, int]]:
        """Yield each stage with the number of epochs done before it and after it."""
        ends = accumulate(stage.epochs for stage in self.stages)
        return ((stage, end - stage.epochs, end) for stage, end in zip(self.stages, ends, strict=True))

    def stage_of(self, epoch: int) -> Stage:
        """Return the stage of this epoch, counted from 1."""
        return next(stage for stage, first, last in self.spans() if first < epoch <= last)

    def mixes(self, epoch: int) -> bool:
        """Return whether images are mixed and labels smoothed in this epoch, counted from 0."""
        return epoch < self.mix_fraction * self.epochs

    def steps(self, examples: int) -> int:
        """Return the optimizer steps of the whole run over this number of training images."""
        return self.epochs * (examples // self.batch_size)


class InvalidPlan(ValueError):
    """Raised when a `plan.json` was written by an earlier version, with other names."""


RENAMED_SETTINGS = {
    "warmup_share": "warmup_fraction",
    "mix_share": "mix_fraction",
    "locality": "consistency_weight",
    "strength": "augmentation",
    "part": "trainable",
    "local": "consistency",
    "shift": "max_shift",
    "zoom": "max_zoom",
    "erase_chance": "erase_probability",
    "erase_side": "max_erased_side",
    "mixup_chance": "mixup_probability",
    "cutmix_chance": "cutmix_probability",
}
"""Settings in the `plan.json` of earlier versions, with their present names."""


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Parse stages such as `32x3,96x2:late+consistency`: three epochs at 32 pixels, two at 96.

    Behind a colon stands what is trained (`all`, `late` or `head`); `+consistency` regularizes the CAM grid. Raises
    ValueError.
    """
    try:
        stages = tuple(_parse_stage(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"stages are written SIZExEPOCHS[:TRAINABLE][+consistency],… like 32x3,96x2:late+consistency, not {text!r};"
            f" TRAINABLE is one of {', '.join(Trainable)}"
        ) from None
    if any(stage.size < MIN_SIZE_PX or stage.epochs < 1 for stage in stages):
        raise ValueError(f"a stage needs a size of at least {MIN_SIZE_PX} pixels and at least one epoch, not {text!r}")
    return stages


def _parse_stage(text: str) -> Stage:
    match = _STAGE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    trainable = Trainable(match["trainable"] or Trainable.ALL)
    return Stage(int(match["size"]), int(match["epochs"]), trainable, bool(match["consistency"]))


def read_plan(run: Path) -> Plan:
    """Return the plan of the run in this folder. Raises FileNotFoundError or InvalidPlan."""
    raw = json.loads((run / PLAN).read_text("utf-8"))
    _refuse_renamed_settings(raw, run / PLAN)
    stages = tuple(Stage(**stage | {"trainable": Trainable(stage["trainable"])}) for stage in raw.pop("stages"))
    return Plan(stages=stages, augmentation=Augmentation(**raw.pop("augmentation")), **raw)


def _refuse_renamed_settings(raw: dict[str, Any], file: Path) -> None:
    names = [
        *raw,
        *raw.get("strength", {}),
        *raw.get("augmentation", {}),
        *(key for one in raw["stages"] for key in one),
    ]
    if renamed := [
        f"{name} is now {RENAMED_SETTINGS[name]}" for name in dict.fromkeys(names) if name in RENAMED_SETTINGS
    ]:
        raise InvalidPlan(f"{file} has settings of an earlier version; rename them: {', '.join(renamed)}")


def write_plan(plan: Plan, run: Path) -> None:
    """Save the plan in the run's folder."""
    with atomic_write(run / PLAN) as part:
        part.write_text(json.dumps(asdict(plan), indent=2) + "\n", "utf-8")

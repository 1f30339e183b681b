"""What one training run is told to do: everything that decides its outcome, besides code and data."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import accumulate
from pathlib import Path

from model.network import MOBILENET
from training.data.split import HELD_OUT
from training.files import whole
from training.fit.augment import Strength

DEFAULT_RUN = Path("training-output/fashion-mnist")
PLAN, FINAL = "plan.json", "classifier.keras"


class Part(StrEnum):
    """What a stage trains: everything, all that works on at most 1/8 of the image's side, or the head alone."""

    ALL = "all"
    LATE = "late"
    HEAD = "head"


STAGE = re.compile(rf"(?P<size>\d+)x(?P<epochs>\d+)(:(?P<part>{'|'.join(Part)}))?(?P<local>\+local)?")


@dataclass(frozen=True)
class Stage:
    """Some epochs at one image size. Small sizes come first: they cost a fraction and teach the most.

    With `local` each image is learned twice, so that the CAM comes to lie where the evidence does (training.fit.locality).
    """

    size: int
    epochs: int
    part: Part = Part.ALL
    local: bool = False


@dataclass(frozen=True)
class Plan:
    """The stages in order, and the settings that hold through all of them.

    `average_steps` is the memory of the weights' moving average. In the first `mix_share` of the run images are mixed
    and labels smoothed, which in the end would spoil the calibration. `locality` weighs what `training.fit.locality` adds
    to the loss in local stages.
    """

    stages: tuple[Stage, ...] = (
        Stage(32, 3),
        Stage(64, 9),
        Stage(96, 2),
        Stage(96, 7, Part.LATE),
        Stage(96, 14, Part.LATE, local=True),
    )
    backbone: str = MOBILENET
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_share: float = 0.05
    label_smoothing: float = 0.05
    average_steps: int = 500
    mix_share: float = 0.7
    locality: float = 0.1
    dropout: float = 0.2
    patience_epochs: int = 6
    validation_per_class: int = HELD_OUT
    seed: int = 20
    strength: Strength = field(default_factory=Strength)

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    @property
    def largest(self) -> int:
        """The side of the largest images, in pixels."""
        return max(stage.size for stage in self.stages)

    def spans(self) -> Iterator[tuple[Stage, int, int]]:
        """Each stage with the number of epochs done before it and after it."""
        ends = accumulate(stage.epochs for stage in self.stages)
        return ((stage, end - stage.epochs, end) for stage, end in zip(self.stages, ends, strict=True))

    def stage_of(self, epoch: int) -> Stage:
        """The stage of this epoch, counted from 1."""
        return next(stage for stage, first, last in self.spans() if first < epoch <= last)

    def mixes(self, epoch: int) -> bool:
        """Whether images are mixed and labels smoothed in this epoch, counted from 0."""
        return epoch < self.mix_share * self.epochs

    def steps(self, examples: int) -> int:
        """Optimizer steps of the whole run over so many training images."""
        return self.epochs * (examples // self.batch_size)


def parse_stages(text: str) -> tuple[Stage, ...]:
    """`32x3,64x4,96x3:late`: three epochs at 32 pixels, four at 64, three at 96 in which only late layers learn.

    `96x3+local` and `96x3:late+local` are stages of local evidence.
    """
    try:
        stages = tuple(_parse_stage(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"stages are written SIZExEPOCHS[:PART][+local],… like 32x3,96x2:late+local, not {text!r};"
            f" a part is {', '.join(Part)}"
        ) from None
    if any(stage.size < 32 or stage.epochs < 1 for stage in stages):
        raise ValueError("a stage needs a size of at least 32 pixels and at least one epoch")
    return stages


def _parse_stage(text: str) -> Stage:
    parts = STAGE.fullmatch(text)
    if parts is None:
        raise ValueError(text)
    return Stage(int(parts["size"]), int(parts["epochs"]), Part(parts["part"] or Part.ALL), bool(parts["local"]))


def read_plan(run: Path) -> Plan:
    """The plan that the run in this folder followed."""
    raw = json.loads((run / PLAN).read_text("utf-8"))
    stages = tuple(Stage(**stage | {"part": Part(stage["part"])}) for stage in raw.pop("stages"))
    return Plan(stages=stages, strength=Strength(**raw.pop("strength")), **raw)


def write_plan(plan: Plan, run: Path) -> None:
    """Leave the plan with the run that follows it."""
    with whole(run / PLAN) as part:
        part.write_text(json.dumps(asdict(plan), indent=2) + "\n", "utf-8")

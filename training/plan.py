"""What one training run is told to do: everything that decides its outcome, besides code and data."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from pathlib import Path

from training.augment import Strength

DEFAULT_RUN = Path("training-output/fashion-mnist")
PLAN, FINAL = "plan.json", "classifier.keras"


@dataclass(frozen=True)
class Stage:
    """Some epochs at one image size. Small sizes come first: they cost a fraction and teach the most."""

    size: int
    epochs: int


@dataclass(frozen=True)
class Plan:
    """The stages in order, and the settings that hold through all of them."""

    stages: tuple[Stage, ...] = (Stage(32, 3), Stage(64, 4), Stage(96, 3))
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    warmup_share: float = 0.05
    dropout: float = 0.2
    patience_epochs: int = 3
    validation_per_class: int = 250
    seed: int = 20
    strength: Strength = field(default_factory=Strength)

    @property
    def epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages)

    def spans(self) -> Iterator[tuple[Stage, int, int]]:
        """Each stage with the number of epochs done before it and after it."""
        ends = accumulate(stage.epochs for stage in self.stages)
        return ((stage, end - stage.epochs, end) for stage, end in zip(self.stages, ends, strict=True))

    def steps(self, examples: int) -> int:
        """Optimiser steps of the whole run over so many training images."""
        return self.epochs * (examples // self.batch_size)


def parse_stages(text: str) -> tuple[Stage, ...]:
    """`32x3,64x4,96x3`: three epochs at 32 pixels, then four at 64, then three at 96."""
    try:
        pairs = [part.split("x") for part in text.split(",")]
        stages = tuple(Stage(int(size), int(epochs)) for size, epochs in pairs)
    except ValueError:
        raise ValueError(f"stages are written SIZExEPOCHS,… like 32x3,64x4,96x3, not {text!r}") from None
    if any(stage.size < 32 or stage.epochs < 1 for stage in stages):
        raise ValueError("a stage needs a size of at least 32 pixels and at least one epoch")
    return stages


def read_plan(run: Path) -> Plan:
    """The plan that the run in this folder followed."""
    raw = json.loads((run / PLAN).read_text("utf-8"))
    stages = tuple(Stage(**stage) for stage in raw.pop("stages"))
    return Plan(stages=stages, strength=Strength(**raw.pop("strength")), **raw)


def write_plan(plan: Plan, run: Path) -> None:
    """Leave the plan with the run that follows it."""
    (run / PLAN).write_text(json.dumps(asdict(plan), indent=2) + "\n", "utf-8")

"""One small run that the tests of this folder share."""

from pathlib import Path

import pytest

from tests.model.samples import sample_greys, sample_labels
from training.data import LABELS, Examples
from training.dataset import Dataset
from training.plan import Part, Plan, Stage
from training.train import train

PLAN = Plan(stages=(Stage(32, 1), Stage(32, 1, Part.LATE)), batch_size=80, validation_per_class=5)


@pytest.fixture(scope="session")
def samples() -> Dataset:
    return Dataset("samples", LABELS, Examples(sample_greys(), sample_labels()))


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory, samples: Dataset) -> Path:
    """A run from random weights over two stages; not to be written to."""
    out = tmp_path_factory.mktemp("run")
    train(samples, plan=PLAN, out=out, weights=None, resume=False)
    return out

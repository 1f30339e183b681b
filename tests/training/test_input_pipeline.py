"""Training batches depend on the seed and the epoch alone."""

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import Dataset
from training.data.examples import Examples
from training.fit.input_pipeline import InputPipeline
from training.run.plan import Plan

PLAN = Plan(batch_size=60)


def epoch_twice(examples: Examples, epoch: int) -> list[list[NDArray[np.uint8]]]:
    batches = InputPipeline(examples, size=28, classes=10, plan=PLAN).epoch(epoch)
    return [[images.numpy() for images, _ in batches] for _ in range(2)]


def test_an_epoch_that_is_read_twice_has_the_same_batches(samples: Dataset) -> None:
    first, second = epoch_twice(samples.examples, 0)

    assert np.array_equal(first, second)


def test_every_epoch_has_different_batches(samples: Dataset) -> None:
    (first, _), (other, _) = (epoch_twice(samples.examples, epoch) for epoch in (0, 1))

    assert not np.array_equal(first, other)

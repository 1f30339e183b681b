"""Labeled images, and how they are split into training, validation and test images."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.arrays import Images

Labels = NDArray[np.int64]
Split = Literal["train", "test"]

VALIDATION_PER_CLASS = 250
TEST_FRACTION = 0.2


class DatasetError(Exception):
    """Raised when a data set is missing, damaged, or not the one that was expected."""


@dataclass(frozen=True)
class Examples:
    """Images and their class numbers int64 `[N]`, in the same order.

    Images are uint8, gray `[N, height, width]` or RGB `[N, height, width, 3]`.
    """

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Labels) -> "Examples":
        """Return the examples at these indices, in this order."""
        return Examples(self.images[indices], self.labels[indices])

    def sample(self, count: int, *, seed: int) -> "Examples":
        """Return at most `count` examples in random order, the same ones for the same seed."""
        return self.take(np.random.default_rng(seed).permutation(len(self))[:count])


def split_validation(examples: Examples, per_class: int, *, seed: int) -> tuple[Examples, Examples]:
    """Split into (training, validation) by class; the same seed gives the same split.

    `per_class` images of every class are held out for validation: at most a fifth of the class, and at least one image.
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    held_out = np.concatenate(
        [members[: min(per_class, max(1, len(members) // 5))] for members in _by_class(examples, order)]
    )
    return examples.take(np.setdiff1d(order, held_out)), examples.take(held_out)


def split_test(examples: Examples, *, seed: int) -> tuple[Examples, Examples]:
    """Split into (training, test): a fifth of every class is test images; the same seed gives the same split."""
    order = np.random.default_rng([seed, 1]).permutation(len(examples))
    test = np.concatenate(
        [members[: max(1, round(TEST_FRACTION * len(members)))] for members in _by_class(examples, order)]
    )
    return examples.take(np.setdiff1d(order, test)), examples.take(test)


def _by_class(examples: Examples, order: Labels) -> list[Labels]:
    return [order[examples.labels[order] == label] for label in np.unique(examples.labels)]

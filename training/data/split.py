"""The images that a model is measured on: the test images, or those held out of the training images."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from training.data.dataset import Dataset, digest, read_dataset
from training.data.fashion_mnist import split_validation
from training.findings import Data

MeasuredSplit = Literal["test", "validation"]
HELD_OUT = 250


def read_measured(
    source: str,
    split: MeasuredSplit,
    *,
    size: int,
    seed: int,
    held_out: int = HELD_OUT,
    data_dir: Path | None = None,
) -> Dataset:
    """The test images, or the `held_out` images of every class that training with this seed did not see.

    Where `validation` is asked for, no test image is used. Raises DatasetError.
    """
    if split == "test":
        return read_dataset(source, "test", size=size, seed=seed, data_dir=data_dir)
    training = read_dataset(source, "train", size=size, seed=seed, data_dir=data_dir)
    return replace(training, examples=split_validation(training.examples, held_out, seed=seed)[1])


def describe(dataset: Dataset, split: str) -> Data:
    """What a file of findings says of the images; of a folder its name alone, for paths are nobody's business."""
    return Data(
        source=public_source(dataset.source),
        split=split,
        images=len(dataset.examples),
        digest=digest(dataset.examples),
    )


def public_source(source: str) -> str:
    """`fashion-mnist`, or `folder:NAME` with the last part of the path alone."""
    kind, colon, path = source.partition(":")
    return f"{kind}{colon}{Path(path).name}" if colon else kind

"""The data sets that a model can be trained and evaluated on: Fashion-MNIST, or a folder of images per class."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from training.data.examples import VALIDATION_PER_CLASS, DatasetError, Examples, Split, split_test, split_validation
from training.data.fashion_mnist import LABELS, read_fashion_mnist
from training.data.folder import read_folder
from training.findings import Data

FASHION_MNIST = "fashion-mnist"
FOLDER_PREFIX = "folder:"

EvaluationSplit = Literal["test", "validation"]


@dataclass(frozen=True)
class Dataset:
    """One split of a data set.

    `source` is what the user named, `fashion-mnist` or `folder:PATH`. `skipped` lists the files that could not be read,
    each with the reason.
    """

    source: str
    labels: tuple[str, ...]
    examples: Examples
    skipped: tuple[str, ...] = ()


def read_dataset(source: str, split: Split, *, size: int, seed: int, data_dir: Path | None = None) -> Dataset:
    """Read the training or the test images of a data set.

    Args:
        source: `fashion-mnist`, whose images are gray 28×28, or `folder:PATH`, with one folder of images per class.
        split: "train" or "test". Of a folder, a fifth of every class are test images.
        size: side in pixels to which the images of a folder are stretched.
        seed: decides which images of a folder are test images.
        data_dir: for `fashion-mnist`, see `read_fashion_mnist`.

    Raises:
        DatasetError: the images are missing, damaged or too few.
    """
    if source == FASHION_MNIST:
        return Dataset(source, LABELS, read_fashion_mnist(split, data_dir=data_dir))
    if not source.startswith(FOLDER_PREFIX):
        raise DatasetError(f"--data must be {FASHION_MNIST} or {FOLDER_PREFIX}PATH, not {source!r}")
    folder = read_folder(Path(source.removeprefix(FOLDER_PREFIX)).expanduser(), size=size)
    training, test = split_test(folder.examples, seed=seed)
    return Dataset(source, folder.labels, training if split == "train" else test, folder.skipped)


def read_evaluation_split(
    source: str,
    split: EvaluationSplit,
    *,
    size: int,
    seed: int,
    validation_per_class: int = VALIDATION_PER_CLASS,
    data_dir: Path | None = None,
) -> Dataset:
    """Read the test images, or the validation images that training with this seed held out.

    "validation" reads no test image. Other arguments and errors as in `read_dataset`.
    """
    if split == "test":
        return read_dataset(source, "test", size=size, seed=seed, data_dir=data_dir)
    training = read_dataset(source, "train", size=size, seed=seed, data_dir=data_dir)
    return replace(training, examples=split_validation(training.examples, validation_per_class, seed=seed)[1])


def digest(examples: Examples) -> str:
    """Return the SHA-256, in hex, of shape, pixels and labels."""
    hashed = hashlib.sha256(repr(examples.images.shape).encode())
    hashed.update(examples.images.tobytes())
    hashed.update(examples.labels.tobytes())
    return hashed.hexdigest()


def describe(dataset: Dataset, split: str) -> Data:
    """Describe the images for a findings file, without private paths."""
    return Data(
        source=public_source(dataset.source),
        split=split,
        images=len(dataset.examples),
        digest=digest(dataset.examples),
    )


def public_source(source: str) -> str:
    """Return `fashion-mnist`, or `folder:NAME` with only the last part of the path."""
    kind, colon, path = source.partition(":")
    return f"{kind}{colon}{Path(path).name}" if colon else kind

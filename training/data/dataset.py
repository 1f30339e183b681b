"""The data sets a run can be made of: Fashion-MNIST, or a folder of one's own."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from training.data.fashion_mnist import LABELS, DatasetError, Examples, Split, read_fashion_mnist
from training.data.folder import read_folder, split_test

FASHION_MNIST = "fashion-mnist"
FOLDER_PREFIX = "folder:"


@dataclass(frozen=True)
class Dataset:
    """One split of a data set as it was named; `skipped` tells which files could not be read, and why."""

    source: str
    labels: tuple[str, ...]
    examples: Examples
    skipped: tuple[str, ...] = ()


def read_dataset(source: str, split: Split, *, size: int, seed: int, data_dir: Path | None = None) -> Dataset:
    """Read a split of `fashion-mnist` (see `read_fashion_mnist` for `data_dir`) or of `folder:PATH`.

    A folder's images come RGB at `size`, and a fifth of every class, which follows from the seed, are the test images.
    Raises DatasetError.
    """
    if source == FASHION_MNIST:
        return Dataset(source, LABELS, read_fashion_mnist(split, data_dir=data_dir))
    if not source.startswith(FOLDER_PREFIX):
        raise DatasetError(f"the data are {FASHION_MNIST} or {FOLDER_PREFIX}PATH, not {source!r}")
    read = read_folder(Path(source.removeprefix(FOLDER_PREFIX)).expanduser(), size=size)
    training, test = split_test(read.examples, seed=seed)
    return Dataset(source, read.labels, training if split == "train" else test, read.skipped)


def digest(examples: Examples) -> str:
    """SHA-256 over shape, pixels and classes."""
    summed = hashlib.sha256(repr(examples.images.shape).encode())
    summed.update(examples.images.tobytes())
    summed.update(examples.labels.tobytes())
    return summed.hexdigest()

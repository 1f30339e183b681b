"""Anyone's own images: a folder with one folder of image files per class, named like the class."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.decode import UndecodableImage, decode
from training.data.fashion_mnist import DatasetError, Examples

TEST_SHARE = 0.2
LEAST_PER_CLASS = 5


@dataclass(frozen=True)
class FolderImages:
    """All images that could be read, in the order of their paths, the class names, and what was skipped and why."""

    examples: Examples
    labels: tuple[str, ...]
    skipped: tuple[str, ...]


def read_folder(folder: Path, *, size: int) -> FolderImages:
    """Every image below the class folders, RGB `[N, size, size, 3]` as serving decodes it.

    Hidden files and folders are passed over; a file that serving would refuse is skipped and named. Raises
    DatasetError when there are fewer than two classes, or a class has fewer than five readable images.
    """
    labels = _class_names(folder)
    pixels: list[NDArray[np.uint8]] = []
    classes: list[int] = []
    skipped: list[str] = []
    for number, label in enumerate(labels):
        for file in _files(folder / label):
            try:
                pixels.append(decode(file.read_bytes(), height=size, width=size).pixels)
                classes.append(number)
            except (UndecodableImage, OSError) as error:
                skipped.append(f"{file.relative_to(folder)}: {error}")
        _check_enough(folder / label, classes.count(number))
    return FolderImages(Examples(np.stack(pixels), np.array(classes, np.int64)), labels, tuple(skipped))


def split_test(examples: Examples, *, seed: int) -> tuple[Examples, Examples]:
    """(for training, for the test): one fifth of every class is kept for the test, the same one for one seed."""
    order = np.random.default_rng([seed, 1]).permutation(len(examples))
    by_class = [order[examples.labels[order] == label] for label in np.unique(examples.labels)]
    test = np.concatenate([members[: max(1, round(TEST_SHARE * len(members)))] for members in by_class])
    return examples.take(np.setdiff1d(order, test)), examples.take(test)


def _class_names(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder; give one that holds a folder of images per class")
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))
    if len(names) < 2:
        found = f"only the class folder {names[0]}" if names else "no class folder"
        raise DatasetError(f"{folder} holds {found}; a classifier needs at least two classes, one folder each")
    return names


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _check_enough(folder: Path, count: int) -> None:
    if count < LEAST_PER_CLASS:
        found = f"{count} readable images" if count else "no readable image"
        raise DatasetError(f"the class folder {folder} has {found}; every class needs at least {LEAST_PER_CLASS}")

"""A data set in a folder: one folder of image files per class, named like the class."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.arrays import Images
from model.decode import UndecodableImage, decode
from training.data.examples import DatasetError, Examples

MIN_IMAGES_PER_CLASS = 5


@dataclass(frozen=True)
class FolderImages:
    """The readable images in the order of their paths, the class names, and the skipped files with the reasons."""

    examples: Examples
    labels: tuple[str, ...]
    skipped: tuple[str, ...]


def read_folder(folder: Path, *, size: int) -> FolderImages:
    """Read every image below the class folders, RGB uint8 `[N, size, size, 3]`, with the decoder of serving.

    Hidden files and folders are ignored. A file that serving would refuse is skipped and listed. Raises DatasetError
    when there are fewer than two classes, or a class has fewer than `MIN_IMAGES_PER_CLASS` readable images.
    """
    labels = _class_names(folder)
    pixels: list[Images] = []
    classes: list[int] = []
    skipped: list[str] = []
    for number, label in enumerate(labels):
        for file in _files(folder / label):
            try:
                pixels.append(decode(file.read_bytes(), height=size, width=size).pixels)
                classes.append(number)
            except (UndecodableImage, OSError) as error:
                skipped.append(f"{file.relative_to(folder)}: {error}")
        _check_count(folder / label, classes.count(number))
    return FolderImages(Examples(np.stack(pixels), np.array(classes, np.int64)), labels, tuple(skipped))


def _class_names(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder; name one that holds a folder of images per class")
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))
    if len(names) < 2:
        found = f"only the class folder {names[0]}" if names else "no class folder"
        raise DatasetError(f"{folder} holds {found}; a classifier needs at least two classes, one folder each")
    return names


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _check_count(folder: Path, count: int) -> None:
    if count < MIN_IMAGES_PER_CLASS:
        found = f"{count} readable images" if count else "no readable image"
        raise DatasetError(f"the class folder {folder} has {found}; every class needs at least {MIN_IMAGES_PER_CLASS}")

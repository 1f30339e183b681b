"""The shipped artifact and the sample images, which are test images of Fashion-MNIST."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.artifact import Artifact, find_artifact
from model.decode import decode

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples" / "fashion-mnist"


@cache
def shipped() -> Artifact:
    """The shipped artifact that `latest` names."""
    return find_artifact(ROOT / "artifacts", "fashion-mnist")


@cache
def sample_files() -> tuple[Path, ...]:
    """The PNG files, in the order of `labels.csv`."""
    return tuple(SAMPLES / "images" / row["file"] for row in _rows())


@cache
def sample_labels() -> NDArray[np.int64]:
    """The true class numbers of the samples, int64 `[300]`."""
    labels = shipped().manifest.labels
    return np.array([labels.index(row["label"]) for row in _rows()])


@cache
def sample_pixels() -> NDArray[np.uint8]:
    """The samples as the shipped model takes them, uint8 `[300, 96, 96, 3]`."""
    contract = shipped().manifest.input
    files = (file.read_bytes() for file in sample_files())
    return np.stack([decode(data, height=contract.height, width=contract.width).pixels for data in files])


@cache
def sample_grays() -> NDArray[np.uint8]:
    """The samples as in the data set, gray uint8 `[300, 28, 28]`."""
    return np.stack([np.asarray(Image.open(file)) for file in sample_files()])


def _rows() -> list[dict[str, str]]:
    with (SAMPLES / "labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))

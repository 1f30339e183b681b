"""Extract the sample images from the Fashion-MNIST test set.

    python samples/make.py --source /usr/share/datasets/fashion-mnist --into samples/fashion-mnist

The choice follows from a constant seed: the same source and Pillow version give the same files, byte for byte.
"""

import argparse
import csv
import gzip
import random
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SEED = 20240607
PER_CLASS = 30


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes. Raises ValueError for another kind of file."""
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is not an IDX file of unsigned bytes.")
    shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def choose(classes: NDArray[np.uint8], *, per_class: int, seed: int) -> list[int]:
    """Return the indices of `per_class` random images of each class, in ascending order."""
    rng = random.Random(seed)  # noqa: S311 – a repeatable choice, no secret
    chosen: list[int] = []
    for number in range(len(LABELS)):
        chosen += rng.sample(np.flatnonzero(classes == number).tolist(), per_class)
    return sorted(chosen)


def write_samples(images: NDArray[np.uint8], classes: NDArray[np.uint8], *, into: Path) -> int:
    """Write `images/<test index>.png` and `labels.csv` below `into`, and return the number of images."""
    folder = into / "images"
    folder.mkdir(parents=True, exist_ok=True)
    chosen = choose(classes, per_class=PER_CLASS, seed=SEED)
    with (into / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["file", "label"])
        for index in chosen:
            name = f"{index:05d}.png"
            Image.fromarray(images[index]).save(folder / name, optimize=True)
            rows.writerow([name, LABELS[classes[index]]])
    return len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description="Extract the sample images from the Fashion-MNIST test set.")
    parser.add_argument(
        "--source",
        type=Path,
        default=Path("/usr/share/datasets/fashion-mnist"),
        help="folder with t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz (default: %(default)s)",
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=Path(__file__).parent / "fashion-mnist",
        help="folder to write to (default: beside this script)",
    )
    options = parser.parse_args()
    try:
        images = read_idx(options.source / "t10k-images-idx3-ubyte.gz")
        classes = read_idx(options.source / "t10k-labels-idx1-ubyte.gz")
    except FileNotFoundError as missing:
        parser.error(
            f"{missing.filename} is missing: install Debian's package dataset-fashion-mnist, "
            "or name a folder with --source."
        )
    written = write_samples(images, classes, into=options.into)
    sys.stdout.write(f"Wrote {written} images to {options.into}.\n")


if __name__ == "__main__":
    main()

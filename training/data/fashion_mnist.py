"""Fashion-MNIST (Xiao et al., 2017, arXiv:1708.07747) from the IDX files Zalando published."""

import gzip
import hashlib
import struct
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.decode import stretch

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
OFFICIAL_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
DEBIAN_DIR = Path("/usr/share/datasets/fashion-mnist")
CACHE_DIR = Path("~/.cache/batchlight/fashion-mnist")
DOWNLOAD_TIMEOUT_S = 60.0

# SHA-256 of the decompressed files: Debian packs the same bytes with another gzip than Zalando.
DIGESTS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}

Split = Literal["train", "test"]


class DatasetError(Exception):
    """The data set is absent, damaged, or not the one this code was written for."""


@dataclass(frozen=True)
class Examples:
    """Images and their class numbers int64 `[N]`, in the same order.

    Images are uint8, gray `[N, height, width]` or RGB `[N, height, width, 3]`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64]) -> "Examples":
        return Examples(self.images[indices], self.labels[indices])


def read_fashion_mnist(split: Split, *, data_dir: Path | None = None) -> Examples:
    """The 60,000 training or the 10,000 test images.

    Looks in `data_dir`, or else where Debian's `dataset-fashion-mnist` puts the files, or else in the cache,
    which the official download fills. Raises DatasetError when a file is absent or its digest is wrong.
    """
    folder = data_dir or (DEBIAN_DIR if DEBIAN_DIR.is_dir() else _download())
    prefix = "train" if split == "train" else "t10k"
    images = read_idx(_read(folder, f"{prefix}-images-idx3-ubyte"))
    labels = read_idx(_read(folder, f"{prefix}-labels-idx1-ubyte"))
    return Examples(images, labels.astype(np.int64))


def read_idx(data: bytes) -> NDArray[np.uint8]:
    """The array in an IDX file: two zeros, type 8 (unsigned bytes), rank, big-endian sizes, values."""
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DatasetError("not an IDX file of unsigned bytes")
    header = 4 + 4 * data[3]
    shape = struct.unpack(f">{data[3]}I", data[4:header])
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def split_validation(examples: Examples, per_class: int, *, seed: int) -> tuple[Examples, Examples]:
    """(training, validation): `per_class` images of every class are held out, the same ones for one seed.

    Of a small class at most a fifth is held out, and at least one image.
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    by_class = [order[examples.labels[order] == label] for label in np.unique(examples.labels)]
    held_out = np.concatenate([members[: min(per_class, max(1, len(members) // 5))] for members in by_class])
    kept = np.setdiff1d(order, held_out)
    return examples.take(kept), examples.take(held_out)


def resize(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """`[N, h, w]` or `[N, h, w, 3]` to squares of this size, as serving stretches them."""
    return np.stack([stretch(Image.fromarray(image), height=size, width=size) for image in images])


def _read(folder: Path, name: str) -> bytes:
    plain, packed = folder / name, folder / f"{name}.gz"
    if plain.is_file():
        data = plain.read_bytes()
    elif packed.is_file():
        data = gzip.decompress(packed.read_bytes())
    else:
        raise DatasetError(f"{folder} has neither {name} nor {name}.gz; give the folder with --data-dir")
    if hashlib.sha256(data).hexdigest() != DIGESTS[name]:
        raise DatasetError(f"{name} in {folder} is damaged or not Fashion-MNIST: its SHA-256 differs")
    return data


def _download() -> Path:
    folder = CACHE_DIR.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    for name in DIGESTS:
        target = folder / f"{name}.gz"
        if not target.is_file():
            _fetch(f"{OFFICIAL_URL}/{name}.gz", target)
    return folder


def _fetch(url: str, target: Path) -> None:
    part = target.with_suffix(".part")
    try:
        with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as response:  # noqa: S310 - the address is ours
            part.write_bytes(response.read())
    except OSError as error:
        raise DatasetError(
            f"cannot download {url}: {error}; install Debian's dataset-fashion-mnist or give --data-dir"
        ) from error
    part.replace(target)

"""Fashion-MNIST (Xiao et al., 2017, arXiv:1708.07747) from the IDX files that Zalando published."""

import gzip
import hashlib
import struct
import urllib.request
from pathlib import Path

import numpy as np

from model.arrays import Images
from training.data.examples import DatasetError, Examples, Split

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

# SHA-256 of the decompressed files: Debian compresses the same bytes with another gzip than Zalando.
DIGESTS = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def read_fashion_mnist(split: Split, *, data_dir: Path | None = None) -> Examples:
    """Read the 60,000 training images or the 10,000 test images, gray uint8 `[N, 28, 28]`.

    The files are read from `data_dir`. Without it, they are read from the folder of Debian's package
    `dataset-fashion-mnist`, or else from `~/.cache/batchlight`, after a download if necessary. Raises DatasetError when
    a file is missing, cannot be downloaded or has a wrong digest.
    """
    folder = data_dir or (DEBIAN_DIR if DEBIAN_DIR.is_dir() else _download())
    prefix = "train" if split == "train" else "t10k"
    images = read_idx(_read(folder, f"{prefix}-images-idx3-ubyte"))
    labels = read_idx(_read(folder, f"{prefix}-labels-idx1-ubyte"))
    return Examples(images, labels.astype(np.int64))


def read_idx(data: bytes) -> Images:
    """Parse an IDX file of unsigned bytes: two zeros, type 8, rank, big-endian sizes, values. Raises DatasetError."""
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise DatasetError("not an IDX file of unsigned bytes")
    header = 4 + 4 * data[3]
    shape = struct.unpack(f">{data[3]}I", data[4:header])
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _read(folder: Path, name: str) -> bytes:
    plain, compressed = folder / name, folder / f"{name}.gz"
    if plain.is_file():
        data = plain.read_bytes()
    elif compressed.is_file():
        data = gzip.decompress(compressed.read_bytes())
    else:
        raise DatasetError(f"{folder} has neither {name} nor {name}.gz; name the right folder with --data-dir")
    if hashlib.sha256(data).hexdigest() != DIGESTS[name]:
        raise DatasetError(
            f"{name} in {folder} is damaged or not of Fashion-MNIST: its SHA-256 differs; "
            "install Debian's dataset-fashion-mnist or name another folder with --data-dir"
        )
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
        with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as response:  # noqa: S310 - a constant address
            part.write_bytes(response.read())
    except OSError as error:
        raise DatasetError(
            f"cannot download {url}: {error}; install Debian's dataset-fashion-mnist or name a folder with --data-dir"
        ) from error
    part.replace(target)

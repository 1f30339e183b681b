"""Reading, checking and splitting the data set."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model.decode import decode, stretch_images
from tests.model.samples import sample_files, sample_grays, sample_labels
from training.data.examples import DatasetError, Examples, split_validation
from training.data.fashion_mnist import DEBIAN_DIR, read_fashion_mnist, read_idx


def idx(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape) + array.tobytes()


def test_an_idx_file_is_read_as_the_array_it_holds() -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)

    assert np.array_equal(read_idx(idx(array)), array)


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\x0d\x01" + bytes(8), b"\x89PNG"])
def test_a_file_of_another_format_is_refused(data: bytes) -> None:
    with pytest.raises(DatasetError):
        read_idx(data)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_with_another_digest_is_refused(tmp_path: Path, compressed: bool) -> None:
    data = idx(sample_grays())
    name = "t10k-images-idx3-ubyte"
    (tmp_path / (f"{name}.gz" if compressed else name)).write_bytes(gzip.compress(data) if compressed else data)

    with pytest.raises(DatasetError, match="SHA-256"):
        read_fashion_mnist("test", data_dir=tmp_path)


def test_the_error_for_an_empty_folder_names_the_option_to_set(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="--data-dir"):
        read_fashion_mnist("train", data_dir=tmp_path)


@pytest.mark.skipif(not DEBIAN_DIR.is_dir(), reason="needs Debian's dataset-fashion-mnist")
def test_the_data_set_of_debian_is_the_official_one() -> None:
    examples = read_fashion_mnist("test", data_dir=DEBIAN_DIR)

    assert examples.images.shape == (10_000, 28, 28)
    assert np.bincount(examples.labels).tolist() == [1_000] * 10


def test_validation_holds_out_the_same_number_of_every_class() -> None:
    examples = Examples(np.arange(300, dtype=np.uint8).reshape(300, 1, 1), sample_labels())

    training, validation = split_validation(examples, 5, seed=3)

    assert np.bincount(validation.labels).tolist() == [5] * 10
    assert np.bincount(training.labels).tolist() == [25] * 10


def test_the_split_follows_from_the_seed() -> None:
    examples = Examples(np.arange(300).astype(np.uint8).reshape(300, 1, 1), sample_labels())

    first, same, other = (split_validation(examples, 5, seed=seed)[1].images for seed in (3, 3, 4))

    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_training_resizes_exactly_as_serving_decodes() -> None:
    resized = stretch_images(sample_grays()[:20], side=96)

    for file, gray in zip(sample_files(), resized, strict=False):
        served = decode(file.read_bytes(), height=96, width=96).pixels
        assert np.array_equal(served, np.asarray(Image.fromarray(gray).convert("RGB")))

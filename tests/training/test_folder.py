"""A folder of images per class as a data set."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.dataset import digest, read_dataset
from training.data.examples import DatasetError, split_validation
from training.data.folder import read_folder

SIZE = 32


def write_class(folder: Path, count: int, *, gray: int) -> Path:
    """Images of one brightness, of several sizes, formats and modes."""
    folder.mkdir(parents=True)
    for number in range(count):
        mode, suffix = (("L", "png"), ("RGB", "jpg"), ("RGBA", "webp"))[number % 3]
        Image.new("L", (10 + number, 50), gray).convert(mode).save(folder / f"{number}.{suffix}")
    return folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    write_class(tmp_path / "dark", 10, gray=20)
    write_class(tmp_path / "light", 20, gray=220)
    return tmp_path


def test_every_folder_is_a_class_and_every_image_gets_one_size(pictures: Path) -> None:
    read = read_folder(pictures, size=SIZE)

    assert read.labels == ("dark", "light")
    assert read.examples.images.shape == (30, SIZE, SIZE, 3)
    assert np.array_equal(read.examples.labels, read.examples.images.mean(axis=(1, 2, 3)) > 128)
    assert read.skipped == ()


def test_unreadable_files_are_skipped_and_listed(pictures: Path) -> None:
    (pictures / "dark" / "notes.txt").write_text("not an image")
    (pictures / "light" / "half.png").write_bytes((pictures / "light" / "0.png").read_bytes()[:40])
    (pictures / "light" / ".hidden").write_text("passed over")

    read = read_folder(pictures, size=SIZE)

    assert len(read.examples) == 30
    assert [reason.split(":")[0] for reason in read.skipped] == ["dark/notes.txt", "light/half.png"]


def test_a_class_folder_without_an_image_is_refused_by_name(pictures: Path) -> None:
    (pictures / "empty").mkdir()

    with pytest.raises(DatasetError, match="empty has no readable image"):
        read_folder(pictures, size=SIZE)


def test_too_few_images_of_a_class_are_refused(pictures: Path) -> None:
    write_class(pictures / "rare", 4, gray=90)

    with pytest.raises(DatasetError, match="4 readable images; every class needs at least 5"):
        read_folder(pictures, size=SIZE)


def test_a_folder_with_one_class_is_refused(tmp_path: Path) -> None:
    write_class(tmp_path / "alone", 5, gray=90)

    with pytest.raises(DatasetError, match="only the class folder alone"):
        read_folder(tmp_path, size=SIZE)


def test_an_empty_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no class folder"):
        read_folder(tmp_path, size=SIZE)
    with pytest.raises(DatasetError, match="is not a folder"):
        read_folder(tmp_path / "absent", size=SIZE)


def test_the_splits_share_no_image_and_keep_the_balance(pictures: Path) -> None:
    source = f"folder:{pictures}"
    rest, test = (read_dataset(source, split, size=SIZE, seed=3).examples for split in ("train", "test"))

    training, validation = split_validation(rest, 250, seed=3)

    assert np.bincount(test.labels).tolist() == [2, 4]
    assert np.bincount(validation.labels).tolist() == [1, 3]
    assert np.bincount(training.labels).tolist() == [7, 13]


def test_the_splits_follow_from_the_seed(pictures: Path) -> None:
    for number, file in enumerate(sorted((pictures / "light").iterdir())):
        Image.new("L", (20, 20), 150 + number).save(file.with_suffix(".png"))

    first, same, other = (
        digest(read_dataset(f"folder:{pictures}", "test", size=SIZE, seed=seed).examples) for seed in (3, 3, 4)
    )

    assert first == same != other


def test_another_kind_of_source_is_refused() -> None:
    with pytest.raises(DatasetError, match="folder:PATH"):
        read_dataset("cifar", "train", size=SIZE, seed=0)

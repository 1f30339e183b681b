"""Exploring a data set."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.model.samples import sample_files, sample_labels
from training.data.duplicates import count_duplicates, find_near_duplicates
from training.data.examples import Examples
from training.data.explore import main
from training.data.fashion_mnist import LABELS
from training.data.pixels import describe_enlargement, describe_split, neighbor_difference
from training.sheet import read_sheet, write_sheet

RNG = np.random.default_rng(11)
IMAGES = RNG.integers(0, 256, (6, 8, 8), np.uint8)


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of `explore` on a folder of sample images, two of which occur twice."""
    pictures = tmp_path_factory.mktemp("pictures")
    for number, (file, label) in enumerate(zip(sample_files()[:120], sample_labels(), strict=False)):
        folder = pictures / LABELS[label].replace("/", " or ")
        folder.mkdir(exist_ok=True)
        for copy in range(2 if number < 2 else 1):
            (folder / f"{number}-{copy}.png").write_bytes(file.read_bytes())
    out = tmp_path_factory.mktemp("explored")
    main(["--data", f"folder:{pictures}", "--size", "32", "--out", str(out)])
    return out


def test_a_folder_of_pictures_is_explored(explored: Path) -> None:
    found = json.loads((explored / "exploration.json").read_text("utf-8"))

    assert [split["split"] for split in found["splits"]] == ["training", "validation", "test"]
    assert sum(split["images"] for split in found["splits"]) == 122
    assert sum(pair["images"] for pair in found["duplicates"]) == 2
    assert found["enlargement"]["gray_fraction"] == 1
    assert str(explored.parent) not in json.dumps(found)


def test_its_contact_sheets_are_saved_beside_it(explored: Path) -> None:
    assert {file.name for file in explored.glob("*.png")} == {
        "samples.png",
        "means.png",
        "nearest.png",
        "original.png",
        "enlarged.png",
    }
    with Image.open(explored / "means.png") as means:
        assert means.size == (32 * 10, 32)


def test_pixels_are_counted_by_class() -> None:
    images = np.stack([np.zeros((4, 4)), np.full((4, 4), 255), np.full((4, 4), 55)]).astype(np.uint8)

    found = describe_split("training", Examples(images, np.array([0, 0, 1])), classes=3)

    assert found["counts"] == [2, 1, 0]
    assert found["mean"] == [127.5, 55, 0]
    assert found["deviation"] == [127.5, 0, 0]
    assert found["histogram"][0][0] == found["histogram"][0][-1] == 0.5


def test_duplicates_are_found_within_and_across_splits() -> None:
    training = Examples(IMAGES[[0, 1, 1, 2]], np.array([0, 1, 1, 0]))
    test = Examples(IMAGES[[1, 2, 3]], np.array([1, 1, 0]))

    found = list(count_duplicates({"training": training, "test": test}))

    assert [(pair["first"], pair["second"], pair["images"], pair["label_conflicts"]) for pair in found] == [
        ("training", "training", 1, 0),
        ("training", "test", 2, 1),
        ("test", "test", 0, 0),
    ]


def test_the_nearest_training_image_is_found_with_its_distance() -> None:
    test = Examples(np.clip(IMAGES[[3]], 3, 255) - 3, np.array([0]))

    near, pictures = find_near_duplicates(
        Examples(IMAGES, np.arange(6) % 2), test, split="test", labels=("even", "odd")
    )

    assert (near["pairs"][0]["training_index"], near["pairs"][0]["training_label"]) == (3, "odd")
    assert near["pairs"][0]["distance"] == pytest.approx(3, abs=0.2)
    assert near["within"] == {"4": 1, "8": 1, "16": 1}
    assert np.array_equal(pictures[1], IMAGES[3])


def test_stretching_softens_edges_and_keeps_the_brightness() -> None:
    found = describe_enlargement(IMAGES, size=32)

    assert found["mean_after"] == pytest.approx(found["mean_before"], abs=3)
    assert (
        found["neighbor_difference_after"]
        < found["neighbor_difference_before"]
        == pytest.approx(neighbor_difference(IMAGES), abs=0.01)
    )
    assert (found["bytes_before"], found["bytes_after"]) == (64, 32 * 32 * 3)


def test_a_sheet_returns_its_images(tmp_path: Path) -> None:
    write_sheet(IMAGES[:5], tmp_path / "sheet.png", columns=2)

    assert np.array_equal(read_sheet(tmp_path / "sheet.png", columns=2, count=5), IMAGES[:5])

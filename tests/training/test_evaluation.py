"""Evaluating an artifact from the command line."""

from pathlib import Path

import pytest

from tests.model.samples import sample_files, shipped
from training.evaluation.evaluate import main


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """Pictures of classes that the shipped model does not know."""
    for label in ("cats", "dogs"):
        (tmp_path / label).mkdir()
        for number, file in enumerate(sample_files()[:5]):
            (tmp_path / label / f"{number}.png").write_bytes(file.read_bytes())
    return tmp_path


def test_images_of_other_classes_are_refused(strangers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(shipped().path), "--data", f"folder:{strangers}"])

    assert "has other classes than the model, which knows ('T-shirt/top'," in capsys.readouterr().err


def test_data_that_are_not_there_are_said_to_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(shipped().path), "--data-dir", str(tmp_path), "--split", "validation"])

    assert "has neither train-images-idx3-ubyte nor" in capsys.readouterr().err

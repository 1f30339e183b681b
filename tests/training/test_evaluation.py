"""Evaluating an artifact from the command line."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from model.artifact import Artifact
from tests.model.samples import sample_files, shipped
from training.evaluation.arguments import add_evaluation_arguments, read_evaluation_arguments
from training.evaluation.evaluate import main
from training.run.fingerprint import DataFingerprint, write_fingerprint


@pytest.fixture
def other_classes(tmp_path: Path) -> Path:
    """A folder of images with classes that the shipped model lacks."""
    folder = tmp_path / "pets"
    for label in ("cats", "dogs"):
        (folder / label).mkdir(parents=True)
        for number, file in enumerate(sample_files()[:5]):
            (folder / label / f"{number}.png").write_bytes(file.read_bytes())
    return folder


def test_images_of_other_classes_are_refused(other_classes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(shipped().path), "--data", f"folder:{other_classes}"])

    assert "has the classes cats, dogs, but the model has T-shirt/top" in capsys.readouterr().err


def test_missing_data_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(shipped().path), "--data-dir", str(tmp_path), "--split", "validation"])

    assert "has neither train-images-idx3-ubyte nor" in capsys.readouterr().err


def test_without_data_the_images_of_the_training_run_are_evaluated(
    other_classes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = ("cats", "dogs")
    artifact = Artifact(tmp_path, replace(shipped().manifest, name="pets", labels=labels))
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "training-output" / "pets"
    run.mkdir(parents=True)
    write_fingerprint(DataFingerprint(f"folder:{other_classes}", labels, "digest"), run)
    (tmp_path / "manifest.json").write_text(artifact.manifest.to_json(), "utf-8")

    parser = argparse.ArgumentParser()
    add_evaluation_arguments(parser)
    _, dataset = read_evaluation_arguments(parser.parse_args([str(tmp_path)]))

    assert dataset.source == f"folder:{other_classes}"
    assert dataset.labels == labels


def test_without_data_and_run_the_missing_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = replace(shipped().manifest, name="pets", labels=("cats", "dogs"))
    (tmp_path / "manifest.json").write_text(manifest.to_json(), "utf-8")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit):
        main([str(tmp_path)])

    assert "name its images with --data folder:PATH" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1", "-3", "many"])
def test_a_sample_size_below_two_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(shipped().path), "--robustness-images", text])

    assert f"'{text}' is not an integer of at least 2" in capsys.readouterr().err

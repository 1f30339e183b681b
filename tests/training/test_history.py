"""The history of a run decides where it resumes, when a stage ends, and which epoch is kept."""

import errno
from pathlib import Path

import pytest

from training.files import atomic_write
from training.run.history import best_epoch, finished_epochs, has_stalled, record_epoch


def write_until_the_disk_is_full(target: Path) -> None:
    with atomic_write(target) as part:
        part.write_text("ne")
        raise OSError(errno.ENOSPC, "message of a library")


def write_history(out: Path, accuracies: list[float]) -> None:
    done = finished_epochs(out)
    for epoch, accuracy in enumerate(accuracies, start=done + 1):
        figures = {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": accuracy, "images_per_s": 10.0}
        record_epoch(out, epoch, size=32, total=9, figures=figures)


def test_a_folder_without_a_run_has_no_finished_epoch(tmp_path: Path) -> None:
    assert finished_epochs(tmp_path) == 0


def test_the_best_epoch_is_the_earliest_of_equals_within_its_stage(tmp_path: Path) -> None:
    write_history(tmp_path, [0.99, 0.5, 0.8, 0.8, 0.7])

    assert finished_epochs(tmp_path) == 5
    assert best_epoch(tmp_path, since=1) == 3


def test_a_stage_has_stalled_after_its_patience_without_a_better_epoch(tmp_path: Path) -> None:
    write_history(tmp_path, [0.9, 0.5, 0.8, 0.7, 0.8])

    assert has_stalled(tmp_path, since=1, patience_epochs=2)
    assert not has_stalled(tmp_path, since=1, patience_epochs=3)
    assert not has_stalled(tmp_path, since=5, patience_epochs=1)


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    target.write_text("old")

    with pytest.raises(OSError, match=r"No space left on device: .*plan.json"):
        write_until_the_disk_is_full(target)

    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]

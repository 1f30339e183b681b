"""Checkpoints after every epoch, from which an interrupted run resumes to the same result."""

from pathlib import Path

import keras

from training.files import atomic_write

FOLDER = "checkpoints"


def save(run: Path, epoch: int, *, model: keras.Model, averaged: keras.Model) -> None:
    """Save weights, optimizer state and averaged weights after this epoch, counted from 1."""
    (run / FOLDER).mkdir(exist_ok=True)
    _write(averaged, averaged_file(run, epoch))
    _write(model, _state_file(run, epoch))


def load(run: Path, epoch: int, *, model: keras.Model, averaged: keras.Model) -> None:
    """Load the state after this epoch into both models, which must be compiled and frozen as when it was saved."""
    model.load_weights(_state_file(run, epoch))
    averaged.load_weights(averaged_file(run, epoch))


def delete_states_before(run: Path, epoch: int) -> None:
    """Delete the states before this epoch; averaged weights stay, because the best epoch is chosen at the end."""
    for file in (run / FOLDER).glob("state-*"):
        if file.name < _state_file(run, epoch).name:
            file.unlink()


def averaged_file(run: Path, epoch: int) -> Path:
    """Return the path of the averaged weights after this epoch."""
    return run / FOLDER / f"averaged-{epoch:03d}.weights.h5"


def _state_file(run: Path, epoch: int) -> Path:
    return run / FOLDER / f"state-{epoch:03d}.weights.h5"


def _write(model: keras.Model, file: Path) -> None:
    with atomic_write(file) as part:
        model.save_weights(part)

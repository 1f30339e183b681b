"""What a run leaves on disk after every epoch, so that it can be stopped at any moment and go on exactly."""

from pathlib import Path

import keras

from training.files import whole

FOLDER = "checkpoints"


def save(out: Path, epoch: int, *, model: keras.Model, averaged: keras.Model) -> None:
    """Keep the state after this epoch (counted from 1): weights with the optimizer's, and the averaged weights."""
    (out / FOLDER).mkdir(exist_ok=True)
    _write(averaged, averaged_file(out, epoch))
    _write(model, _state_file(out, epoch))


def load(out: Path, epoch: int, *, model: keras.Model, averaged: keras.Model) -> None:
    """Put both models, compiled and frozen as when they were saved, back to where they stood after this epoch."""
    model.load_weights(_state_file(out, epoch))
    averaged.load_weights(averaged_file(out, epoch))


def forget_before(out: Path, epoch: int) -> None:
    """Remove what only a resumption from an earlier epoch would need; the averaged weights stay."""
    for file in (out / FOLDER).glob("state-*"):
        if file.name < _state_file(out, epoch).name:
            file.unlink()


def averaged_file(out: Path, epoch: int) -> Path:
    """The averaged weights after this epoch."""
    return out / FOLDER / f"averaged-{epoch:03d}.weights.h5"


def _state_file(out: Path, epoch: int) -> Path:
    return out / FOLDER / f"state-{epoch:03d}.weights.h5"


def _write(model: keras.Model, file: Path) -> None:
    with whole(file) as part:
        model.save_weights(part)

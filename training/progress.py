"""The record of a run: one line per epoch on the terminal, one row per epoch in `history.csv`."""

import csv
import sys
import time
from pathlib import Path

import keras

HISTORY = "history.csv"
COLUMNS = ("epoch", "size", "loss", "accuracy", "val_loss", "val_accuracy", "images_per_s")


class ProgressLine(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Prints and records each epoch. Put it after the checkpoint: a row says that its epoch is safe."""

    def __init__(self, path: Path, *, size: int, total: int, images: int) -> None:
        super().__init__()
        self._path, self._size, self._total, self._images = path, size, total, images
        self._began_s = self._trained_s = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._began_s = time.monotonic()

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self._trained_s = time.monotonic() - self._began_s

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        speed = self._images / self._trained_s
        row = {"epoch": epoch + 1, "size": self._size, "images_per_s": round(speed, 1)}
        row |= {name: round(value, 5) for name, value in (logs or {}).items() if name in COLUMNS}
        _append(self._path, row)
        sys.stdout.write(
            f"epoch {row['epoch']}/{self._total} at {self._size} px:"
            f" loss {row['loss']:.4f}, accuracy {row['accuracy']:.4f},"
            f" validation loss {row['val_loss']:.4f}, accuracy {row['val_accuracy']:.4f}, {speed:.0f} images/s\n"
        )
        sys.stdout.flush()


def finished_epochs(out: Path) -> int:
    """How many epochs of the run in this folder are checkpointed; 0 for a folder without a run."""
    rows = _rows(out)
    return int(rows[-1]["epoch"]) if rows else 0


def best_epoch(out: Path, *, size: int) -> int:
    """The epoch with the best validation accuracy among those at this image size; the earlier of equals."""
    rows = [row for row in _rows(out) if int(row["size"]) == size]
    return int(max(rows, key=lambda row: float(row["val_accuracy"]))["epoch"])


def _append(path: Path, row: dict[str, float]) -> None:
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _rows(out: Path) -> list[dict[str, str]]:
    path = out / HISTORY
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))

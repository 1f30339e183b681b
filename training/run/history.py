"""The history of a run: one row per epoch in `history.csv`, printed as one line per epoch."""

import csv
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from training.files import atomic_write

HISTORY = "history.csv"
COLUMNS = ("epoch", "size", "loss", "accuracy", "val_loss", "val_accuracy", "images_per_s")


def record_epoch(run: Path, epoch: int, *, size: int, total: int, figures: Mapping[str, float]) -> None:
    """Append an epoch to the history and print it; call this after the epoch's checkpoint is saved.

    Args:
        run: the run's folder.
        epoch: number of the epoch, counted from 1.
        size: side of the images in pixels.
        total: epochs of the whole plan.
        figures: the values of `COLUMNS` from `loss` on.
    """
    row = {"epoch": epoch, "size": size} | {name: round(figures[name], 5) for name in COLUMNS[2:]}
    _append(run / HISTORY, row)
    sys.stdout.write(
        f"epoch {epoch}/{total} at {size} px:"
        f" loss {row['loss']:.4f}, accuracy {row['accuracy']:.4f},"
        f" validation loss {row['val_loss']:.4f}, accuracy {row['val_accuracy']:.4f},"
        f" {row['images_per_s']:.0f} images/s\n"
    )
    sys.stdout.flush()


def finished_epochs(run: Path) -> int:
    """Return how many epochs of the run have a checkpoint; 0 for a folder without a run."""
    rows = read_history(run / HISTORY)
    return int(rows[-1]["epoch"]) if rows else 0


def best_epoch(run: Path, *, since: int) -> int:
    """Return the epoch after `since` with the best validation accuracy; the earliest of equal ones."""
    rows = [row for row in read_history(run / HISTORY) if int(row["epoch"]) > since]
    return int(max(rows, key=_validation_accuracy)["epoch"])


def has_stalled(run: Path, *, since: int, patience_epochs: int) -> bool:
    """Return whether the last `patience_epochs` epochs after `since` brought no better validation accuracy."""
    accuracies = [_validation_accuracy(row) for row in read_history(run / HISTORY) if int(row["epoch"]) > since]
    return bool(accuracies) and len(accuracies) - 1 - accuracies.index(max(accuracies)) >= patience_epochs


def read_history(path: Path) -> list[dict[str, str]]:
    """Return the rows of a `history.csv`, one per epoch; an empty list if there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _validation_accuracy(row: dict[str, str]) -> float:
    return float(row["val_accuracy"])


def _append(path: Path, row: dict[str, float]) -> None:
    with atomic_write(path) as part:
        if path.exists():
            shutil.copyfile(path, part)
        with part.open("a", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)

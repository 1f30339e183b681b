"""The record of a run: one line per epoch on the terminal, one row per epoch in `history.csv`."""

import csv
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from training.files import whole

HISTORY = "history.csv"
COLUMNS = ("epoch", "size", "loss", "accuracy", "val_loss", "val_accuracy", "images_per_s")


def record(out: Path, epoch: int, *, size: int, total: int, figures: Mapping[str, float]) -> None:
    """Add this epoch (counted from 1) to the record, and print it. The row says that its checkpoint is safe."""
    row = {"epoch": epoch, "size": size} | {name: round(figures[name], 5) for name in COLUMNS[2:]}
    _append(out / HISTORY, row)
    sys.stdout.write(
        f"epoch {epoch}/{total} at {size} px:"
        f" loss {row['loss']:.4f}, accuracy {row['accuracy']:.4f},"
        f" validation loss {row['val_loss']:.4f}, accuracy {row['val_accuracy']:.4f},"
        f" {row['images_per_s']:.0f} images/s\n"
    )
    sys.stdout.flush()


def finished_epochs(out: Path) -> int:
    """How many epochs of the run in this folder are checkpointed; 0 for a folder without a run."""
    rows = read_history(out / HISTORY)
    return int(rows[-1]["epoch"]) if rows else 0


def best_epoch(out: Path, *, since: int) -> int:
    """The epoch with the best validation accuracy among those after `since`; the earlier of equals."""
    rows = [row for row in read_history(out / HISTORY) if int(row["epoch"]) > since]
    return int(max(rows, key=_accuracy)["epoch"])


def stands_still(out: Path, *, since: int, patience_epochs: int) -> bool:
    """Whether, of the epochs after `since`, the best lies at least so many epochs back."""
    accuracies = [_accuracy(row) for row in read_history(out / HISTORY) if int(row["epoch"]) > since]
    return bool(accuracies) and len(accuracies) - 1 - accuracies.index(max(accuracies)) >= patience_epochs


def read_history(path: Path) -> list[dict[str, str]]:
    """One row an epoch; none where there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _accuracy(row: dict[str, str]) -> float:
    return float(row["val_accuracy"])


def _append(path: Path, row: dict[str, float]) -> None:
    with whole(path) as part:
        if path.exists():
            shutil.copyfile(path, part)
        with part.open("a", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            if not file.tell():
                writer.writeheader()
            writer.writerow(row)

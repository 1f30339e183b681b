"""The fingerprint of the data that a run was trained on, kept in the run's folder as `data.json`.

A run is resumed and exported only with the same data.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from training.data.dataset import Dataset, digest
from training.data.examples import DatasetError
from training.files import atomic_write

FINGERPRINT = "data.json"


@dataclass(frozen=True)
class DataFingerprint:
    """The data set as the user named it, its class names in the order of the logits, and the digest of its images."""

    source: str
    labels: tuple[str, ...]
    digest: str


def fingerprint(training: Dataset) -> DataFingerprint:
    """Return the fingerprint of these training images."""
    return DataFingerprint(training.source, training.labels, digest(training.examples))


def write_fingerprint(data: DataFingerprint, run: Path) -> None:
    """Save the fingerprint in the run's folder."""
    with atomic_write(run / FINGERPRINT) as part:
        part.write_text(json.dumps(asdict(data), indent=2, ensure_ascii=False) + "\n", "utf-8")


def read_fingerprint(run: Path) -> DataFingerprint:
    """Return the fingerprint of the data that the run in this folder was trained on. Raises FileNotFoundError."""
    raw = json.loads((run / FINGERPRINT).read_text("utf-8"))
    return DataFingerprint(raw["source"], tuple(raw["labels"]), raw["digest"])


def check_fingerprint(data: DataFingerprint, run: Path) -> None:
    """Raise DatasetError unless the run was trained on exactly these images and classes."""
    recorded = read_fingerprint(run)
    if recorded.labels != data.labels:
        raise DatasetError(
            f"{run} was trained with the classes {', '.join(recorded.labels)}, not {', '.join(data.labels)}; "
            "name the same data with --data"
        )
    if recorded.digest != data.digest:
        raise DatasetError(
            f"{run} was trained on other images of {recorded.source} (their SHA-256 differs); "
            "name the same data with --data"
        )

"""What a run was made of, kept in its folder: with other data a resumed run would be a lie."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from training.data.fashion_mnist import DatasetError
from training.files import whole

ORIGIN = "data.json"


@dataclass(frozen=True)
class Origin:
    """The data set as it was named, its class names in the order of the logits, the digest of its training images."""

    source: str
    labels: tuple[str, ...]
    digest: str


def write_origin(origin: Origin, run: Path) -> None:
    """Leave the origin with the run."""
    with whole(run / ORIGIN) as part:
        part.write_text(json.dumps(asdict(origin), indent=2, ensure_ascii=False) + "\n", "utf-8")


def read_origin(run: Path) -> Origin:
    """What the run in this folder was made of."""
    raw = json.loads((run / ORIGIN).read_text("utf-8"))
    return Origin(raw["source"], tuple(raw["labels"]), raw["digest"])


def check_origin(origin: Origin, run: Path) -> None:
    """Raise DatasetError unless the run was made of these very images and classes."""
    begun = read_origin(run)
    if begun.labels != origin.labels:
        raise DatasetError(f"{run} was begun with the classes {', '.join(begun.labels)}; give the same data")
    if begun.digest != origin.digest:
        raise DatasetError(f"{run} was begun with other images (their SHA-256 differs); give the same data")

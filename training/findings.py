"""What the measuring commands save and the report reads: the shapes of the JSON files, and the writing of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from training.files import whole

EXPLORATION, EVALUATION, EXPLANATIONS, TRAINING = (
    "exploration.json",
    "evaluation.json",
    "explanations.json",
    "training.json",
)


class Data(TypedDict):
    """Which images were looked at; `digest` is that of `training.data.dataset.digest`."""

    source: str
    split: str
    images: int
    digest: str


class Model(TypedDict):
    name: str
    version: str


class Bin(TypedDict):
    """The images of one range of confidence: how many, and their mean confidence and accuracy (0 for none)."""

    images: int
    confidence: float
    accuracy: float


class Calibration(TypedDict):
    """Calibration error and log loss at one temperature, and the reliability diagram from confidence 0 to 1."""

    temperature: float
    error: float
    log_loss: float
    bins: list[Bin]


class ClassFigures(TypedDict):
    """One class; `low` and `high` are the ends of the 95 % interval of F1."""

    label: str
    images: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float


class Mistake(TypedDict):
    """A wrong prediction: the image's place in the split, true and predicted class, and the confidence."""

    index: int
    truth: str
    predicted: str
    confidence: float


class Robustness(TypedDict):
    """Accuracy over the same images under one corruption; `amount` says how strong in the corruption's own unit."""

    corruption: str
    severity: int
    amount: str
    accuracy: float
    low: float
    high: float


class Cost(TypedDict):
    """What classifying with the CAM costs: images/s at the median of all batches, ms for an image on its own, MB."""

    cpu: str
    threads: int
    batch_size: int
    images_per_s: float
    single_ms: float
    graph_mb: float
    artifact_mb: float


class Judgement(TypedDict):
    """All that was measured of one precision. `mistakes` are the most confident ones, the surest first.

    `undamaged` is the accuracy on the sample that `robustness` was measured on.
    """

    accuracy: float
    low: float
    high: float
    top_2: float
    macro_f1: float
    before: Calibration
    after: Calibration
    classes: list[ClassFigures]
    confusion: list[list[int]]
    mistakes: list[Mistake]
    robustness_images: int
    undamaged: float
    robustness: list[Robustness]
    cost: Cost


class EvaluationFindings(TypedDict):
    """`evaluation.json`, by `python -m training.evaluation.evaluate`; the pictures of mistakes lie beside it."""

    command: str
    model: Model
    data: Data
    labels: list[str]
    precisions: dict[str, Judgement]


class SplitFigures(TypedDict):
    """One split, by class in the order of the labels: images, mean and deviation of their pixels (0…255), and which
    share of the pixels lies in each of 32 equal ranges of brightness.
    """

    split: str
    images: int
    counts: list[int]
    mean: list[float]
    deviation: list[float]
    histogram: list[list[float]]


class Duplicates(TypedDict):
    """Images with exactly the pixels of an earlier one: `first` and `second` are splits, equal or not.

    `conflicts` are those among them that bear another label.
    """

    first: str
    second: str
    images: int
    conflicts: int


class Pair(TypedDict):
    """An image outside the training split and the training image nearest to it; distance in levels (RMS, 0…255)."""

    index: int
    label: str
    training_index: int
    training_label: str
    distance: float


class NearDuplicates(TypedDict):
    """How near the images of a seeded sample are to the training images; `within` counts those at most so far."""

    split: str
    images: int
    within: dict[str, int]
    median: float
    pairs: list[Pair]


class Enlargement(TypedDict):
    """What serving's stretch and the copy into three channels do to the images, in levels (0…255) and bytes."""

    images: int
    from_height: int
    from_width: int
    to_side: int
    channels_before: int
    gray_share: float
    mean_before: float
    mean_after: float
    deviation_before: float
    deviation_after: float
    step_before: float
    step_after: float
    return_error: float | None
    bytes_before: int
    bytes_after: int


class ExplorationFindings(TypedDict):
    """`exploration.json`, by `python -m training.data.explore`; its pictures lie beside it."""

    command: str
    data: Data
    labels: list[str]
    skipped: list[str]
    splits: list[SplitFigures]
    duplicates: list[Duplicates]
    near: NearDuplicates
    enlargement: Enlargement


def save(folder: Path, name: str, findings: Mapping[str, object]) -> Path:
    """Write the findings into the folder, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole(folder / name) as part:
        part.write_text(json.dumps(findings, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return folder / name

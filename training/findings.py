"""The JSON files that the evaluating commands save and the report reads: their structure, and how they are written."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from training.files import atomic_write

EXPLORATION, EVALUATION, EXPLANATIONS, TRAINING = (
    "exploration.json",
    "evaluation.json",
    "explanations.json",
    "training.json",
)


class Data(TypedDict):
    """The images that were used; `digest` is that of `training.data.dataset.digest`."""

    source: str
    split: str
    images: int
    digest: str


class Model(TypedDict):
    """A model version."""

    name: str
    version: str


class Bin(TypedDict):
    """One bin of a reliability diagram: number of images, mean confidence and accuracy (both 0 for an empty bin)."""

    images: int
    confidence: float
    accuracy: float


class Calibration(TypedDict):
    """Expected calibration error and log loss at one temperature, and the bins of the reliability diagram."""

    temperature: float
    calibration_error: float
    log_loss: float
    bins: list[Bin]


class ClassFigures(TypedDict):
    """Metrics of one class; `low` and `high` are the ends of the 95 % interval of F1."""

    label: str
    images: int
    precision: float
    recall: float
    f1: float
    low: float
    high: float


class Mistake(TypedDict):
    """A misclassified image: its index in the split, its true and predicted class, and the confidence."""

    index: int
    true_class: str
    predicted_class: str
    confidence: float


class Robustness(TypedDict):
    """Accuracy on the same images under one corruption; `amount` is its strength in the corruption's own unit."""

    corruption: str
    severity: int
    amount: str
    accuracy: float
    low: float
    high: float


class Cost(TypedDict):
    """Cost of classification with CAMs: images/s at the median batch time, and ms for a batch of one image.

    `graph_mb` is the size of the serving graph, `artifact_mb` that of all files of the artifact, in megabytes.
    """

    cpu: str
    threads: int
    batch_size: int
    images_per_s: float
    single_ms: float
    graph_mb: float
    artifact_mb: float


class PrecisionEvaluation(TypedDict):
    """The evaluation of one precision; `low` and `high` are the ends of the 95 % interval of the accuracy.

    `uncalibrated` is without temperature scaling, `calibrated` with it. `mistakes` are the most confident ones, in
    falling order of confidence. `clean_accuracy` is the accuracy on the sample of `robustness` without corruption.
    """

    accuracy: float
    low: float
    high: float
    top_2_accuracy: float
    macro_f1: float
    uncalibrated: Calibration
    calibrated: Calibration
    classes: list[ClassFigures]
    confusion: list[list[int]]
    mistakes: list[Mistake]
    robustness_images: int
    clean_accuracy: float
    robustness: list[Robustness]
    cost: Cost


class EvaluationFindings(TypedDict):
    """`evaluation.json`, saved by `python -m training evaluate`, with contact sheets of mistakes beside it."""

    command: str
    model: Model
    data: Data
    labels: list[str]
    precisions: dict[str, PrecisionEvaluation]


class SplitFigures(TypedDict):
    """One split. Lists are by class, in the order of the labels.

    `mean` and `deviation` are those of the pixels' gray levels (0 to 255). `histogram` has the fraction of pixels in
    each of 32 equal ranges of levels.
    """

    split: str
    images: int
    counts: list[int]
    mean: list[float]
    deviation: list[float]
    histogram: list[list[float]]


class Duplicates(TypedDict):
    """Images of split `second` with exactly the pixels of another image, in split `first` or earlier in the same split.

    `label_conflicts` counts those whose label differs from that of the other image.
    """

    first: str
    second: str
    images: int
    label_conflicts: int


class Pair(TypedDict):
    """An image of another split and its nearest training image; `distance` is the RMS difference in levels of 255."""

    index: int
    label: str
    training_index: int
    training_label: str
    distance: float


class NearDuplicates(TypedDict):
    """Distances of a sample of images to the training images; `within` counts images by upper limit of the distance."""

    split: str
    images: int
    within: dict[str, int]
    median: float
    pairs: list[Pair]


class Enlargement(TypedDict):
    """How images change when they are stretched and converted to RGB for the network, in levels of 255 and bytes."""

    images: int
    from_height: int
    from_width: int
    to_side: int
    channels_before: int
    gray_fraction: float
    mean_before: float
    mean_after: float
    deviation_before: float
    deviation_after: float
    neighbor_difference_before: float
    neighbor_difference_after: float
    restoration_error: float | None
    bytes_before: int
    bytes_after: int


class ExplorationFindings(TypedDict):
    """`exploration.json`, saved by `python -m training explore`, with contact sheets beside it."""

    command: str
    data: Data
    labels: list[str]
    skipped: list[str]
    splits: list[SplitFigures]
    duplicates: list[Duplicates]
    near_duplicates: NearDuplicates
    enlargement: Enlargement


def save(folder: Path, name: str, findings: Mapping[str, object]) -> Path:
    """Write the findings to `folder/name` atomically and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(folder / name) as part:
        part.write_text(json.dumps(findings, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return folder / name

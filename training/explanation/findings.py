"""The structure of `explanations.json`, which `python -m training explain` saves and the report reads."""

from typing import TypedDict

from training.findings import Data, Model

SERVED, RANDOM, CENTER = "Grad-CAM", "random", "center"
BASELINES = (RANDOM, "random pixels", CENTER, "brightness", "edges")
"""Maps that do not depend on the model, to compare the methods with."""


class Difference(TypedDict):
    """Mean paired difference over the images of both methods; `low` and `high` are the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


class MethodFigures(TypedDict):
    """Means of one method over the images; `low` and `high` are the ends of the 95 % interval of the score."""

    insertion: float
    deletion: float
    score: float
    low: float
    high: float
    images: int
    ms_per_image: float
    over_random: Difference
    over_center: Difference


class Road(TypedDict):
    """Accuracy by method after each fraction of the pixels was replaced, in both orders of relevance."""

    images: int
    fractions: list[float]
    most_relevant_first: dict[str, list[float]]
    least_relevant_first: dict[str, list[float]]


class Sanity(TypedDict):
    """Similarity of the CAMs to the original ones, after the layers from the output down to each one are randomized.

    `rank_correlation` and `same_maximum` are means over the images; `other_images` is the rank correlation of CAMs of
    different images.
    """

    images: int
    layers: list[str]
    rank_correlation: list[float]
    same_maximum: list[float]
    other_images: float


class ExplanationFindings(TypedDict):
    """`explanations.json`; `overlays` names the columns of `explanations.png` behind the images themselves."""

    command: str
    model: Model
    data: Data
    methods: dict[str, MethodFigures]
    road: Road
    sanity: Sanity
    overlays: list[str]

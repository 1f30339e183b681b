"""The shape of `explanations.json`, which `python -m training.explanation.explain` saves and the report reads."""

from typing import TypedDict

from training.findings import Data, Model

SERVED, RANDOM, CENTER = "Grad-CAM", "random", "center"
KNOW_NOTHING = (RANDOM, "random pixels", CENTER, "brightness", "edges")
"""The orders of pixels that do not ask the network, to compare with."""


class Difference(TypedDict):
    """Mean over the images that both have, with the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


class Method(TypedDict):
    """One method's means over the images; `low` and `high` are the ends of the 95 % interval of the score."""

    insertion: float
    deletion: float
    score: float
    low: float
    high: float
    images: int
    ms: float
    over_random: Difference
    over_center: Difference


class Road(TypedDict):
    """Accuracy after each share of the pixels was replaced, by method: `accuracy` with the highest first."""

    images: int
    shares: list[float]
    accuracy: dict[str, list[float]]
    least_first: dict[str, list[float]]


class Sanity(TypedDict):
    """How like the CAMs stay when layers are random from the end up to each of these; `chance`: other images' CAMs."""

    images: int
    layers: list[str]
    similarity: list[float]
    same_peak: list[float]
    chance: float


class ExplanationFindings(TypedDict):
    """All of it; `pictured` names the columns of `explanations.png` after the images themselves."""

    command: str
    model: Model
    data: Data
    methods: dict[str, Method]
    road: Road
    sanity: Sanity
    pictured: list[str]

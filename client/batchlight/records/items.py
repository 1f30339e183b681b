"""The outcome of one image: its prediction and explanation, or its error."""

from collections.abc import Mapping
from dataclasses import dataclass

from batchlight.records.models import ModelUsed
from batchlight.records.states import ItemState


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A class and the confidence that the model gives it.

    Attributes:
        label: Name of the class.
        confidence: Probability, from 0 to 1.

    Example:
        ```python
        for score in item.top_k or ():
            print(f"{score.label} {score.confidence:.1%}")
        ```
    """

    label: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cam:
    """The Grad-CAM grid of the predicted class.

    Attributes:
        height: Number of rows.
        width: Number of columns.
        values: `height * width` values, row by row; each is at least 0; not normalized.

    Example:
        ```python
        rows = [cam.values[start : start + cam.width] for start in range(0, len(cam.values), cam.width)]
        ```
    """

    height: int
    width: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemError:
    """Why an image has no prediction.

    Attributes:
        code: Stable identifier for programs, for example `"not_an_image"`.
        message: The reason, for people.

    Example:
        ```python
        codes = Counter(item.error.code for item in client.items(job.id, state="failed") if item.error)
        ```
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The outcome of one image: a prediction, or an error.

    Attributes:
        index: Position of the image in its job, from 0.
        name: Path of the image, relative to the uploaded folder or ZIP.
        state: `succeeded` with a prediction, `failed` with an error.
        sha256: SHA-256 of the image's bytes, in hexadecimal.
        bytes: Size of the image in bytes.
        width: Width of the image in pixels, or None if it was not decoded.
        height: Height of the image in pixels, or None if it was not decoded.
        label: The predicted class; None if the image failed.
        confidence: Probability of the predicted class, from 0 to 1; None if the image failed.
        top_k: The most likely classes, best first; None if the image failed.
        cam: Grad-CAM grid of the predicted class; None if the image failed.
        faithfulness: How well the CAM shows what the model used, from -1 to 1. A random CAM scores 0 on average.
            None unless the job was submitted with `explain="full"`.
        error: Why the image failed; None if it succeeded.
        model: The model and engine that ran.
        attempt: Number of the attempt that committed this item, from 1.
        links: Paths of the API by name: `self`, `image`, `overlay`.

    Example:
        ```python
        for item in client.items(job.id):
            print(item.name, item.error.message if item.error else item.label)
        ```
    """

    index: int
    name: str
    state: ItemState
    sha256: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    label: str | None = None
    confidence: float | None = None
    top_k: tuple[Score, ...] | None = None
    cam: Cam | None = None
    faithfulness: float | None = None
    error: ItemError | None = None
    model: ModelUsed
    attempt: int
    links: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The prediction for one image that was sent with `Client.predict`.

    Attributes:
        label: The predicted class.
        confidence: Probability of the predicted class, from 0 to 1.
        top_k: The most likely classes, best first.
        cam: Grad-CAM grid of the predicted class.
        faithfulness: How well the CAM shows what the model used, from -1 to 1. None unless `explain="full"`.
        model: The model and engine that ran.
        job_id: Job that holds the image as its item 0, for `Client.image` and `Client.overlay`.
        links: Paths of the API by name: `self`, `image`, `overlay`.

    Example:
        ```python
        prediction = client.predict("photo.jpg")
        overlay_png = client.overlay(prediction.job_id, 0)
        ```
    """

    label: str
    confidence: float
    top_k: tuple[Score, ...]
    cam: Cam | None = None
    faithfulness: float | None = None
    model: ModelUsed
    job_id: str
    links: Mapping[str, str | None]

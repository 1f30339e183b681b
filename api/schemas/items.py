"""Items: the result of one image, a prediction with its explanation or an error."""

import struct
from typing import Annotated

from pydantic import Field, with_config
from typing_extensions import TypedDict

from api.reference.codes import ITEM_ERRORS, list_codes
from api.schemas.described import Described
from api.schemas.jobs import job_path
from api.schemas.models import RanModel
from core.db.tables import Item, Job
from core.states import Explain, ItemErrorCode, ItemState

FAITHFULNESS = (
    "How well the CAM shows what the model used, in [-1, 1]; null unless the job has `explain=full`. In the order of "
    "the CAM, highest first, pixels are added to the image's mean color (insertion) and replaced by it (deletion). The "
    "score is the area under the curve of the predicted class's probability over the share of pixels, insertion minus "
    "deletion. Above 0, the CAM shows what the model used; a random order scores 0 on average, with a wide spread. "
    f"Costs {Explain.FULL.cost - 1} more classifications per image."
)
Faithfulness = Annotated[float | None, Field(description=FAITHFULNESS)]


# A TypedDict, as the row holds it: an object per score made a page of 1,000 items 18 % slower.
@with_config(Described.model_config)
class ScoreOut(TypedDict):
    """One class of a top-k list."""

    label: str
    """The class."""

    confidence: float
    """Its probability, in [0, 1]."""


class Cam(Described):
    """The Grad-CAM grid of the predicted class, before it is resized to the image."""

    height: int
    """Rows of the grid."""

    width: int
    """Columns of the grid."""

    values: list[float]
    """The grid's values, row by row, each at least 0; larger means more important."""

    @classmethod
    def of(cls, item: Item) -> "Cam | None":
        if item.cam is None or item.cam_height is None or item.cam_width is None:
            return None
        count = item.cam_height * item.cam_width
        return cls(height=item.cam_height, width=item.cam_width, values=list(struct.unpack(f"<{count}f", item.cam)))


class ItemError(Described):
    """Why an image has no prediction."""

    code: ItemErrorCode = Field(description=f"A stable code for programs.\n\n{list_codes(ITEM_ERRORS.items())}")

    message: str
    """The reason, for people."""

    @classmethod
    def of(cls, item: Item) -> "ItemError | None":
        if item.error_code is None:
            return None
        return cls(code=ItemErrorCode(item.error_code), message=item.error_message or "")


class ItemLinks(Described):
    """Paths of an item and its pictures."""

    self: str
    """The item."""

    image: str
    """The image as it was uploaded."""

    overlay: str | None
    """The Grad-CAM drawn over the image; null if the image failed."""

    @classmethod
    def of(cls, item: Item) -> "ItemLinks":
        path = f"{job_path(item.job_id)}/items/{item.index}"
        overlay = f"{path}/overlay.png" if item.state == ItemState.SUCCEEDED else None
        return cls(self=path, image=f"{path}/image", overlay=overlay)


class ItemOut(Described):
    """The result of one image."""

    index: int
    """The image's index in its job, from 0 in the order of the upload."""

    name: str = Field(examples=["photos/boot.png"])
    """The name that the client gave the image."""

    state: ItemState
    """`succeeded`: it has a prediction. `failed`: it has an `error`."""

    sha256: str
    """SHA-256 of the uploaded bytes, in hexadecimal."""

    bytes: int
    """Size of the upload in bytes."""

    width: int | None
    """Width of the image in pixels; null if it failed."""

    height: int | None
    """Height of the image in pixels; null if it failed."""

    label: str | None
    """The predicted class; null if the image failed."""

    confidence: float | None
    """The predicted class's probability, in [0, 1]; null if the image failed."""

    top_k: list[ScoreOut] | None
    """The most probable classes, highest first; null if the image failed."""

    cam: Cam | None
    """The Grad-CAM grid of the predicted class; null if the image failed."""

    faithfulness: Faithfulness

    error: ItemError | None
    """Why the image failed; null if it did not."""

    model: RanModel
    """The model version, precision and engine that ran."""

    attempt: int
    """Which attempt at the image's shard made this result; above 1 after a worker was lost."""

    links: ItemLinks
    """Paths of the item's resources."""

    @classmethod
    def of(cls, item: Item, job: Job) -> "ItemOut":
        return cls(
            index=item.index, name=item.name, state=item.state, sha256=item.sha256, bytes=item.size_bytes,
            width=item.width, height=item.height, label=item.label, confidence=item.confidence,
            top_k=item.top_k,
            cam=Cam.of(item), faithfulness=item.faithfulness, error=ItemError.of(item),
            model=ran_model(item, job), attempt=item.shard.attempt, links=ItemLinks.of(item),
        )  # fmt: skip


class ItemList(Described):
    """A page of items, by ascending index."""

    data: list[ItemOut]
    """The items."""

    next: str | None
    """The cursor of the next page: pass it unchanged as `after`. Null if nothing follows for now."""


class PredictionOut(Described):
    """The prediction of the one image that was sent to `/predict`."""

    label: str = Field(examples=["Ankle boot"])
    """The predicted class."""

    confidence: float = Field(examples=[0.98])
    """The predicted class's probability, in [0, 1]."""

    top_k: list[ScoreOut]
    """The most probable classes, highest first."""

    cam: Cam | None
    """The Grad-CAM grid of the predicted class."""

    faithfulness: Faithfulness

    model: RanModel
    """The model version, precision and engine that ran."""

    job_id: str
    """The job that was made for this image."""

    links: ItemLinks
    """Paths of the image's resources, kept for a short time."""

    @classmethod
    def of(cls, item: Item, job: Job) -> "PredictionOut":
        assert item.label is not None
        assert item.confidence is not None
        assert item.top_k is not None
        return cls(
            label=item.label, confidence=item.confidence, top_k=item.top_k,
            cam=Cam.of(item), faithfulness=item.faithfulness, model=ran_model(item, job), job_id=job.id,
            links=ItemLinks.of(item),
        )  # fmt: skip


def ran_model(item: Item, job: Job) -> RanModel:
    """Return the job's model version and the engine that ran on the item's shard."""
    return RanModel(name=job.model_name, version=job.model_version, precision=job.precision, engine=item.shard.engine)

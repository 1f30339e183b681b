"""What the server answers, as frozen records. Fields that this version does not know are passed over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

Record = TypeVar("Record")

Explain = Literal["cam", "full"]
"""`cam`: every prediction has its Grad-CAM. `full`: how faithful that is, is measured too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Images of a job by state; the five states always add up to `total`."""

    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed + self.cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """The exact model that a job is pinned to."""

    name: str
    version: str
    precision: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}/{self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsed(ModelName):
    """The model that made a prediction, and the engine that ran it."""

    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    top_k: int
    explain: str = "cam"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A file that is no image to anybody (`Thumbs.db`, a dotfile) and was left out; why, in words."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: str
    kind: str
    name: str | None
    state: str
    round: int
    revision: int
    lane: str
    model: ModelName
    options: Options
    counts: Counts
    skipped: tuple[Skipped, ...] = ()
    skipped_total: int = 0
    created_at: datetime
    started_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    purged_at: datetime | None = None
    links: Mapping[str, str]

    @property
    def ended(self) -> bool:
        """True once nothing more will happen in this round.

        Read from the instant, so that it also holds for states that a later server may add.
        """
        return self.ended_at is not None

    @property
    def succeeded(self) -> bool:
        """True if every image has a prediction."""
        return self.state == "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    label: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cam:
    """The Grad-CAM grid of the predicted class, row by row; values ≥ 0, not normalized."""

    height: int
    width: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemError:
    """Why an image has no prediction; `code` is stable."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The outcome of one image: a prediction, or an error with a code.

    `faithfulness`, where the job was submitted with `explain="full"`, says in [-1, 1] how well the CAM tells what the
    model used: above 0 it points there, and a random order scores 0 on average.
    """

    index: int
    name: str
    state: str
    sha256: str | None = None
    bytes: int | None = None
    width: int | None = None
    height: int | None = None
    label: str | None = None
    confidence: float | None = None
    top_k: tuple[Score, ...] = ()
    cam: Cam | None = None
    faithfulness: float | None = None
    error: ItemError | None = None
    model: ModelUsed
    attempt: int
    links: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    label: str
    confidence: float
    top_k: tuple[Score, ...]
    cam: Cam | None
    faithfulness: float | None = None
    model: ModelUsed
    job_id: str
    links: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One version of a model that the server can run; `aliases` are the names that now mean this version."""

    name: str
    version: str
    precisions: tuple[str, ...]
    labels: tuple[str, ...]
    input: Mapping[str, object]
    metrics: Mapping[str, object]
    aliases: tuple[str, ...] = ()
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Record]):
    """One page of a list; `next` asks for the one after it, and is None on the last."""

    data: tuple[Record, ...]
    next: str | None

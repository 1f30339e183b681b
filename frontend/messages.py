"""What the page says: errors, states, sizes and times in words for a person. Nothing here draws."""

from datetime import datetime
from http import HTTPStatus
from typing import Literal

from batchlight import (
    BatchlightError,
    ConnectionLost,
    InvalidAddress,
    Job,
    MissingKey,
    NotAuthenticated,
    Problem,
    UnexpectedResponse,
    Unreachable,
)

Color = Literal["gray", "blue", "green", "orange", "red"]

STATES: dict[str, tuple[str, Color]] = {
    "queued": ("Waiting", "gray"),
    "running": ("Running", "blue"),
    "succeeded": ("Done", "green"),
    "partially_succeeded": ("Done, some failed", "orange"),
    "failed": ("Failed", "red"),
    "cancelled": ("Cancelled", "gray"),
    "expired": ("Expired", "gray"),
}

IMAGE_ERRORS = {
    "not_an_image": "This file is not an image that Batchlight can read. JPEG, PNG, WebP, GIF and BMP work.",
    "truncated_image": "The image is cut off: part of the file is missing.",
    "empty_file": "The file is empty.",
    "too_many_pixels": "The image has more pixels than this server accepts.",
    "animated_image": "The image is animated; send a single frame.",
    "unsupported_image": "This kind of image is not read. Send it as JPEG, PNG, WebP, GIF or BMP, saved anew.",
    "image_too_large": "The file is larger than this server accepts for one image.",
    "crashed_worker": "The image brought a worker down several times and was given up.",
}

TELLING = 0.1
"""Of a heatmap's faithfulness, from -1 to 1; a random one scores 0 on average."""

MEASURED = (
    "Measured by showing and hiding the image part by part, in the order of the heatmap. From -1 to 1: above 0 the "
    "heatmap points at what counts, and a random one scores 0 on average."
)

AWAY = "Batchlight does not answer right now."
UNKNOWN = "Something went wrong on this page. It has been noted in the page's log; try again."


def spoken(error: Exception) -> str:
    """What happened and what to do, in one or two sentences; never a type, a trace or an address inside."""
    match error:
        case NotAuthenticated():
            return "This key is not accepted. It may be mistyped or revoked: copy it again, or ask for a new one."
        case Problem(code=code) if code in IMAGE_ERRORS:
            return IMAGE_ERRORS[code]
        case Problem():
            return _refused(error)
        case ConnectionLost():
            return str(error)
        case Unreachable():
            return AWAY
        case InvalidAddress() | UnexpectedResponse():
            return "The address this page was given does not lead to a Batchlight server. Its operator can set it."
        case MissingKey() | BatchlightError():
            return str(error)
    return UNKNOWN


def _refused(problem: Problem) -> str:
    if problem.status == HTTPStatus.FORBIDDEN:
        return "This key may not do that. The page needs a key with the scopes jobs:read and jobs:write."
    if problem.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT):
        return f"Batchlight is busy or restarting: {problem}" if problem.detail else AWAY
    places = "".join(f"\n- {fault.where}: {fault.detail}" for fault in problem.errors[:5])
    return f"{problem}{places}"


def image_failure(code: str, message: str) -> str:
    """Why this image has no prediction."""
    return IMAGE_ERRORS.get(code, message)


def state_of(job: Job) -> tuple[str, Color]:
    """The state's name, and the color of its badge."""
    return STATES.get(job.state, (job.state.replace("_", " ").capitalize(), "gray"))


def title_of(job: Job) -> str:
    return job.name or f"Job {job.id[:8]}"


def images(count: int) -> str:
    return f"{count:,} image" if count == 1 else f"{count:,} images"


def size(n_bytes: float) -> str:
    """1,536 is `1.5 kB`; decimal units, as file managers show them."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:,.0f} {unit}" if unit == "bytes" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def faithfulness(score: float) -> str:
    """What the score of a heatmap means for the person who looks at it."""
    if score >= TELLING:
        return "The heatmap shows what the answer rests on."
    if score <= -TELLING:
        return "The answer rests on other places than the heatmap shows."
    return "The heatmap says little about what the answer rests on."


def ago(instant: datetime, *, now: datetime) -> str:
    """How long ago, in the coarsest unit that says something."""
    passed_s = max(0.0, (now - instant).total_seconds())
    for unit, length_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if passed_s >= length_s:
            count = int(passed_s // length_s)
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return "just now"


def duration(job: Job) -> str:
    """How long an ended job ran, from its acceptance."""
    if job.ended_at is None:
        return ""
    taken_s = (job.ended_at - job.created_at).total_seconds()
    if taken_s < 60:
        return f"{taken_s:.1f} s"
    return f"{int(taken_s // 3600)} h {int(taken_s % 3600 // 60)} min" if taken_s >= 3600 else f"{taken_s / 60:.0f} min"

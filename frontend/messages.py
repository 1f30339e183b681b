"""Every text that depends on a value: errors, job states, sizes and times. Nothing in this module draws."""

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
    "not_an_image": "The file is not an image that Batchlight can read. Send a JPEG, PNG, WebP, GIF or BMP.",
    "truncated_image": "The image is cut off: the end of the file is missing. Copy the file again and send it again.",
    "empty_file": "The file is empty (0 bytes). Copy the file again and send it again.",
    "too_many_pixels": "{detail}. Reduce the image and send it again.",
    "animated_image": "The image is animated. Save one frame as a still image and send that.",
    "unsupported_image": "{detail}. Save the image as JPEG or PNG and send it again.",
    "image_too_large": "{detail}. Reduce the image and send it again.",
    "crashed_worker": "{detail}. Save the image as PNG and send it again.",
}
"""What is wrong with an image and what to do, by error code; `{detail}` is the server's message, with its values."""

FAITHFULNESS_THRESHOLD = 0.1
"""A score from -1 to 1 must be this far from 0 to count as evidence; a random heatmap scores 0 on average."""

FAITHFULNESS_HELP = (
    "Measured by showing and hiding the image part by part, in the order of the heatmap. From -1 to 1: above 0 the "
    "heatmap points at what counts, and a random one scores 0 on average."
)

UNREACHABLE = "Batchlight does not answer right now."
UNEXPECTED = (
    "The web UI failed unexpectedly. Try again. If it fails again, ask the operator of this server to look at the log "
    "of the web UI."
)


def error_message(error: Exception) -> str:
    """What was wrong and what to do next, without a type name or a traceback."""
    match error:
        case NotAuthenticated():
            return (
                "This key is not accepted. It may be mistyped, expired or revoked: copy it again, or ask the operator "
                "of this server for a new one."
            )
        case Problem(code=code) if code in IMAGE_ERRORS:
            return image_error_message(code, str(error))
        case Problem():
            return _problem_message(error)
        case ConnectionLost():
            return str(error)
        case Unreachable():
            return UNREACHABLE
        case InvalidAddress() | UnexpectedResponse():
            return (
                "The web UI was started with an address that does not lead to a Batchlight API. Ask the operator of "
                "this server to correct BATCHLIGHT_URL and to start the web UI again."
            )
        case MissingKey():
            return "This is not a key. Copy your API key again: it starts with bl_ and has no spaces or line breaks."
        case BatchlightError():
            return str(error)
    return UNEXPECTED


def _problem_message(problem: Problem) -> str:
    if problem.status == HTTPStatus.FORBIDDEN:
        return (
            "This key lacks a scope. The web UI needs jobs:read and jobs:write: ask the operator of this server for a "
            "key with both."
        )
    if problem.status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT):
        return f"Batchlight is busy or restarting: {problem}" if problem.detail else UNREACHABLE
    parts = "".join(f"\n- {part.where}: {part.detail}" for part in problem.errors[:5])
    return f"{problem}{parts}"


def image_error_message(code: str, detail: str) -> str:
    """Why an image has no prediction and what to do; the server's own message for a code without a text."""
    sentence = (detail[:1].upper() + detail[1:]).rstrip(".")
    return IMAGE_ERRORS.get(code, "{detail}.").format(detail=sentence)


def tab_title(view: str) -> str:
    """The title of the browser tab while it shows this view."""
    return f"{view} · Batchlight"


def state_badge(job: Job) -> tuple[str, Color]:
    """The name of the job's state, and the color of its badge."""
    return STATES.get(job.state, (job.state.replace("_", " ").capitalize(), "gray"))


def job_title(job: Job) -> str:
    return job.name or f"Job {job.id[:8]}"


def image_count(count: int) -> str:
    return f"{count:,} image" if count == 1 else f"{count:,} images"


def file_size(n_bytes: float) -> str:
    """The size in decimal units, as file managers show it: 1,536 bytes are `1.5 kB`."""
    for unit in ("bytes", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:,.0f} {unit}" if unit == "bytes" or n_bytes >= 100 else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def faithfulness_message(score: float) -> str:
    """What a heatmap's faithfulness score, from -1 to 1, means for the person who looks at the heatmap."""
    if score >= FAITHFULNESS_THRESHOLD:
        return "The heatmap shows what the answer rests on."
    if score <= -FAITHFULNESS_THRESHOLD:
        return "The answer rests on other places than the heatmap shows."
    return "The heatmap says little about what the answer rests on."


def time_ago(instant: datetime, *, now: datetime) -> str:
    """The time from the instant to now, in days, hours or minutes."""
    passed_s = max(0.0, (now - instant).total_seconds())
    for unit, length_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if passed_s >= length_s:
            count = int(passed_s // length_s)
            return f"{count} {unit}{'s' * (count > 1)} ago"
    return "just now"


def job_duration(job: Job) -> str:
    """The time from the job's creation to its end; empty while it runs."""
    if job.ended_at is None:
        return ""
    taken_s = (job.ended_at - job.created_at).total_seconds()
    if taken_s < 60:
        return f"{taken_s:.1f} s"
    return f"{int(taken_s // 3600)} h {int(taken_s % 3600 // 60)} min" if taken_s >= 3600 else f"{taken_s / 60:.0f} min"


def skipped_files(job: Job) -> str:
    """How many files of the upload the server skipped, with up to three examples; empty if none."""
    if not job.skipped_total:
        return ""
    count = "1 file was" if job.skipped_total == 1 else f"{job.skipped_total:,} files were"
    names = ", ".join(f"{skipped.name} ({skipped.reason})" for skipped in job.skipped[:3])
    return f"{count} skipped and not classified, for example {names}."

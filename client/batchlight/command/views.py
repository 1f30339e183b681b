"""How jobs, items, predictions and models look to a person."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from batchlight.command.screen import SHOWN_SKIPPED, grid, listing, printable
from batchlight.records import Item, Job, Model, Prediction

NUMBERS = ("confidence", "faithfulness")

STYLES = {
    "succeeded": "green",
    "partially_succeeded": "yellow",
    "failed": "red",
    "cancelled": "red",
    "expired": "red",
    "running": "cyan",
}


def job_facts(job: Job) -> Table:
    """A table of what is known about one job."""
    rows: list[tuple[str, Text | str]] = [("job", job.id)]
    if job.name:
        rows.append(("name", printable(job.name)))
    rows += [
        ("state", _state(job.state)),
        ("images", _counts(job)),
        ("model", str(job.model)),
        ("submitted", _when(job.created_at)),
    ]
    if job.options.explain != "cam":
        rows.append(("explain", printable(job.options.explain)))
    if job.ended_at is not None:
        rows.append(("took", _duration(job, job.ended_at)))
    if job.purged_at is not None:
        rows.append(("deleted", f"{_when(job.purged_at)}: images and results are no longer kept"))
    if job.skipped_total:
        rows.append(("skipped", _skipped(job)))
    return grid(rows)


def job_table(jobs: Iterable[Job]) -> Table:
    """A table with a row per job. Ids stay in one line so that they can be copied."""
    columns = ("job", "state", "images", "failed", "model", "submitted", "name")
    table = listing(*columns, right=("images", "failed"), no_wrap="job")
    for job in jobs:
        failed = f"{job.counts.failed:,}" if job.counts.failed else ""
        table.add_row(
            job.id,
            _state(job.state),
            f"{job.counts.total:,}",
            Text(failed, "red"),
            f"{job.model.name}/{job.model.version}",
            _when(job.created_at),
            printable(job.name or ""),
        )
    return table


def item_table(items: Sequence[Item]) -> Table:
    """A table with a row per item, and a column for the faithfulness if any item has one."""
    faithfulness = any(item.faithfulness is not None for item in items)
    table = listing("#", "image", *_prediction_columns(faithfulness=faithfulness), right=("#", *NUMBERS))
    for item in items:
        if item.error is not None:
            table.add_row(str(item.index), printable(item.name), *_failure_cells(item.error.code, item.error.message))
        else:
            table.add_row(str(item.index), printable(item.name), *_prediction_cells(item))
    return table


def model_table(models: Iterable[Model]) -> Table:
    """A table with a row per model version, with its accuracy in each precision."""
    table = listing("model", "classes", "accuracy", "", right=("classes",))
    for model in models:
        marks = [*model.aliases, *(["default"] if model.default else [])]
        table.add_row(
            f"{model.name}/{model.version}",
            str(len(model.labels)),
            ", ".join(_accuracy(model, precision) for precision in model.precisions),
            Text(", ".join(marks), "green"),
        )
    return table


def prediction_table(*, faithfulness: bool) -> Table:
    """An empty table for predictions, with a column for the faithfulness on request."""
    return listing("image", *_prediction_columns(faithfulness=faithfulness), right=NUMBERS)


def add_prediction(table: Table, name: str, prediction: Prediction) -> None:
    """Add a row for a classified image."""
    table.add_row(printable(name), *_prediction_cells(prediction))


def add_failure(table: Table, name: str, code: str, message: str) -> None:
    """Add a row for a failed image."""
    table.add_row(printable(name), *_failure_cells(code, message))


def _prediction_columns(*, faithfulness: bool) -> tuple[str, ...]:
    return ("label", "confidence", "also likely", *(("faithfulness",) if faithfulness else ()))


def _prediction_cells(result: Item | Prediction) -> tuple[Text | str, ...]:
    """A cell for each column; the faithfulness only if it was measured."""
    others = ", ".join(f"{printable(score.label)} {score.confidence:.1%}" for score in (result.top_k or ())[1:])
    cells = Text(printable(result.label or ""), "bold"), f"{result.confidence or 0:.1%}", Text(others, "dim")
    return cells if result.faithfulness is None else (*cells, f"{result.faithfulness:+.2f}")


def _failure_cells(code: str, message: str) -> tuple[Text, str, Text]:
    return Text(code, "red"), "", Text(printable(message), "dim")


def _state(state: str) -> Text:
    return Text(state.replace("_", " "), STYLES.get(state, ""))


def _counts(job: Job) -> Text:
    counts = job.counts
    parts = [Text(f"{counts.total:,}")]
    for name, number, style in (
        ("succeeded", counts.succeeded, "green"),
        ("failed", counts.failed, "red"),
        ("cancelled", counts.cancelled, "red"),
        ("running", counts.running, "cyan"),
        ("queued", counts.queued, ""),
    ):
        if number:
            parts.append(Text(f"{number:,} {name}", style))
    return Text(" · ").join(parts)


def _duration(job: Job, ended_at: datetime) -> str:
    """Time from submission to the end, and inferred images per second. A retried job has no rate."""
    took_s = (ended_at - job.created_at).total_seconds()
    inferred = job.counts.succeeded + job.counts.failed
    rate = f" · {inferred / took_s:,.0f} images/s" if took_s > 0 and inferred and job.run == 1 else ""
    return f"{took_s:,.1f} s{rate}" if took_s >= 1 else f"{took_s * 1000:,.0f} ms{rate}"


def _when(instant: datetime) -> str:
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _skipped(job: Job) -> str:
    names = ", ".join(printable(file.name) for file in job.skipped[:SHOWN_SKIPPED])
    return f"{job.skipped_total:,} · {names}" + (", …" if job.skipped_total > SHOWN_SKIPPED else "")


def _accuracy(model: Model, precision: str) -> str:
    """The precision, and its accuracy on the model's test images."""
    measured = model.metrics.get(precision)
    accuracy = measured.get("accuracy") if isinstance(measured, Mapping) else None
    return f"{precision} {accuracy:.2%}" if isinstance(accuracy, float) else precision

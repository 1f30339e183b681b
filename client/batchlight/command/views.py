"""How jobs, items, predictions and models look to a person."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from batchlight.command.screen import grid, listing, printable
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
        rows.append(("took", _pace(job, job.ended_at)))
    if job.purged_at is not None:
        rows.append(("deleted", f"{_when(job.purged_at)}: images and results are kept no longer"))
    if job.skipped_total:
        rows.append(("skipped", _skipped(job)))
    return grid(rows)


def job_table(jobs: Iterable[Job]) -> Table:
    table = listing("job", "state", "images", "failed", "model", "submitted", "name", right=("images", "failed"))
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
    """With a column of their faithfulness where it was measured."""
    judged = any(item.faithfulness is not None for item in items)
    table = listing("#", "image", *_answer_columns(judged=judged), right=("#", *NUMBERS))
    for item in items:
        if item.error is not None:
            table.add_row(str(item.index), printable(item.name), *_failure(item.error.code, item.error.message))
        else:
            table.add_row(str(item.index), printable(item.name), *_answer(item))
    return table


def model_table(models: Iterable[Model]) -> Table:
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


def prediction_table(*, judged: bool) -> Table:
    """To fill; `judged` leaves a column for the faithfulness."""
    return listing("image", *_answer_columns(judged=judged), right=NUMBERS)


def add_prediction(table: Table, name: str, prediction: Prediction) -> None:
    table.add_row(printable(name), *_answer(prediction))


def add_failure(table: Table, name: str, code: str, message: str) -> None:
    table.add_row(printable(name), *_failure(code, message))


def _answer_columns(*, judged: bool) -> tuple[str, ...]:
    return ("label", "confidence", "or else", *(("faithfulness",) if judged else ()))


def _answer(found: Item | Prediction) -> tuple[Text | str, ...]:
    """A cell for each of the columns; the last is there only if its column is."""
    others = ", ".join(f"{printable(each.label)} {each.confidence:.1%}" for each in found.top_k[1:])
    cells = Text(printable(found.label or ""), "bold"), f"{found.confidence or 0:.1%}", Text(others, "dim")
    return cells if found.faithfulness is None else (*cells, f"{found.faithfulness:+.2f}")


def _failure(code: str, message: str) -> tuple[Text, str, Text]:
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


def _pace(job: Job, ended_at: datetime) -> str:
    """Time from submission to the end, and images a second of it; no pace for a job that was retried in between."""
    took_s = (ended_at - job.created_at).total_seconds()
    pace = f" · {job.counts.ended / took_s:,.0f} images/s" if took_s > 0 and job.round == 1 else ""
    return f"{took_s:,.1f} s{pace}"


def _when(instant: datetime) -> str:
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _skipped(job: Job) -> str:
    names = ", ".join(printable(each.name) for each in job.skipped[:3])
    return f"{job.skipped_total:,} · {names}" + (", …" if job.skipped_total > 3 else "")


def _accuracy(model: Model, precision: str) -> str:
    """The precision, with what it measured on the model's test images."""
    measured = model.metrics.get(precision)
    accuracy = measured.get("accuracy") if isinstance(measured, Mapping) else None
    return f"{precision} {accuracy:.2%}" if isinstance(accuracy, float) else precision

"""`python -m ops demo`: submit sample images to a stack of their own, download the archive, and show the results."""

import csv
import json
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from batchlight import BatchlightError, Client, Job
from ops.demo.contact_sheet import LEGEND, Card, draw_contact_sheet
from ops.errors import DemoFailed
from ops.stack import create_stack_key, running_stack
from ops.supervisor import Supervisor

POLL_INTERVAL_S = 0.05
MAX_TABLE_ROWS = 12
MAX_CARDS_PER_CLASS = 4


@dataclass(frozen=True)
class Result:
    """A line of the archive's `results.jsonl`, and the true label of its image."""

    file: str
    true_label: str
    label: str
    confidence: float
    original: str
    overlay: str

    @property
    def is_correct(self) -> bool:
        return self.label == self.true_label


def run_demo(samples: Path, *, output: Path, console: Console, report: Callable[[str], None]) -> None:
    """Classify the samples with a stack in a temporary folder; write the archive and a contact sheet to `output`.

    Raises OpsError.
    """
    true_labels = _true_labels(samples)
    output.mkdir(parents=True, exist_ok=True)
    archive = output / "results.zip"
    with TemporaryDirectory(prefix="batchlight-demo-") as folder:
        console.print("Starting Redis, the API, the workers, maintenance and Flower…", style="dim")
        with running_stack(Path(folder), report=report) as (stack, supervisor):
            key = create_stack_key(stack, name="demo")
            try:
                with Client(stack.address, key) as client:
                    duration_s = _classify(client, samples / "images", archive, console=console, supervisor=supervisor)
            except BatchlightError as error:
                raise DemoFailed(f"The demo stopped: {error}") from error
            console.print("Stopping everything…", style="dim")
    results = _results(archive, true_labels)
    score = _score(results)
    speed = f"{len(results)} images in {duration_s:.2f} s, {len(results) / duration_s:,.0f} images/s"
    _show(results, console=console)
    sheet = output / "contact-sheet.png"
    _draw(results, archive, subtitle=f"{score}   ·   {speed}   ·   wrong labels are red").save(sheet)
    console.print(f"\n[bold green]{score}[/]\n{speed}\n", highlight=False)
    console.print(f"{archive}  the archive\n{sheet}  images beside their overlays. {LEGEND}", highlight=False)


def _true_labels(samples: Path) -> dict[str, str]:
    """Return the label of every file in `labels.csv`. Raises DemoFailed."""
    missing = [name for name in ("labels.csv", "images") if not (samples / name).exists()]
    if missing:
        raise DemoFailed(
            f"{samples} has no {' and no '.join(missing)}. Run this in the root of the checkout, or name a folder with "
            "--samples that holds images/ and labels.csv (columns: file, label)."
        )
    with (samples / "labels.csv").open(newline="") as file:
        return {row["file"]: row["label"] for row in csv.DictReader(file)}


def _classify(client: Client, images: Path, archive: Path, *, console: Console, supervisor: Supervisor) -> float:
    """Submit the images, download the archive, and return the seconds from the submit to the end of the job."""
    started_s = time.monotonic()
    job = client.submit(images, name="demo")
    _follow(client, job, console=console, supervisor=supervisor)
    duration_s = time.monotonic() - started_s
    client.download(job.id, archive)
    return duration_s


def _follow(client: Client, job: Job, *, console: Console, supervisor: Supervisor) -> None:
    """Show the job's progress until it has succeeded. Raises DemoFailed if it ends otherwise."""
    columns = (
        TextColumn("Classifying and explaining"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=job.counts.total)
        while not job.ended:
            supervisor.watch()
            time.sleep(POLL_INTERVAL_S)
            job = client.job(job.id)
            progress.update(task, completed=job.counts.ended)
    if not job.succeeded:
        raise DemoFailed(
            f"The job ended as {job.state}: {job.counts.failed} of {job.counts.total} images failed. "
            f"Every file in images/ must be an image that the API accepts."
        )


def _results(archive: Path, true_labels: dict[str, str]) -> list[Result]:
    with zipfile.ZipFile(archive) as files:
        lines = [json.loads(line) for line in files.read("results.jsonl").splitlines()]
    names = [Path(line["name"]).name for line in lines]
    fields = ("label", "confidence", "original", "overlay")
    return [
        Result(file=name, true_label=true_labels[name], **{field: line[field] for field in fields})
        for name, line in zip(names, lines, strict=True)
    ]


def _score(results: Sequence[Result]) -> str:
    correct = sum(result.is_correct for result in results)
    return f"{correct} of {len(results)} correct, accuracy {correct / len(results):.1%}"


def _show(results: Sequence[Result], *, console: Console) -> None:
    wrong = [result for result in results if not result.is_correct]
    _show_table(results[:MAX_TABLE_ROWS], title=f"The first {MAX_TABLE_ROWS} of {len(results)}", console=console)
    _show_table(wrong[:MAX_TABLE_ROWS], title=f"{len(wrong)} with a wrong label", console=console)


def _show_table(results: Sequence[Result], *, title: str, console: Console) -> None:
    table = Table("file", "label", "confidence", "true label", title=title, title_justify="left")
    table.columns[2].justify = "right"
    for result in results:
        color = "green" if result.is_correct else "red"
        table.add_row(result.file, f"[{color}]{result.label}[/]", f"{result.confidence:.1%}", result.true_label)
    console.print(table)


def _draw(results: Sequence[Result], archive: Path, *, subtitle: str) -> Image.Image:
    """Return a contact sheet with a few images of every class, the last of a row with a wrong label if there is one."""
    chosen: list[Result] = []
    for true_label in sorted({result.true_label for result in results}):
        of_class = [result for result in results if result.true_label == true_label]
        correct = [result for result in of_class if result.is_correct]
        wrong = [result for result in of_class if not result.is_correct][:1]
        chosen += correct[: MAX_CARDS_PER_CLASS - len(wrong)] + wrong
    with zipfile.ZipFile(archive) as files:
        cards = [_card(result, files) for result in chosen]
    return draw_contact_sheet(cards, title="What the model sees, and where it looks", subtitle=subtitle)


def _card(result: Result, files: zipfile.ZipFile) -> Card:
    original, overlay = (_picture(files, name) for name in (result.original, result.overlay))
    return Card(result.true_label, result.label, result.confidence, original, overlay)


def _picture(files: zipfile.ZipFile, name: str) -> Image.Image:
    with files.open(name) as file, Image.open(file) as picture:
        return picture.convert("RGB")

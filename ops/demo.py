"""`python -m ops demo`: sample images in at the API, and out of a downloaded archive."""

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

from batchlight import Client, Job
from ops.contact_sheet import Card, draw_contact_sheet
from ops.errors import DemoFailed
from ops.stack import create_stack_key, running_stack

FOLLOW_EVERY_S = 0.05
ROWS_SHOWN = 12
CARDS_PER_CLASS = 4


@dataclass(frozen=True)
class Result:
    """One line of the archive's `results.jsonl`, and the label it should have."""

    file: str
    truth: str
    label: str
    confidence: float
    original: str
    overlay: str

    @property
    def right(self) -> bool:
        return self.label == self.truth


def run_demo(samples: Path, *, output: Path, console: Console, say: Callable[[str], None]) -> None:
    """Runs the embedded stack in a temporary folder, classifies the samples, leaves archive and contact sheet."""
    truths = _truths(samples)
    output.mkdir(parents=True, exist_ok=True)
    archive = output / "results.zip"
    with TemporaryDirectory(prefix="batchlight-demo-") as folder:
        console.print("Starting Redis, the API, the workers, the sweep and Flower…", style="dim")
        with running_stack(Path(folder), say=say) as (stack, supervisor):
            key = create_stack_key(stack, name="demo")
            with Client(stack.address, key) as client:
                started_s = time.monotonic()
                job = client.submit(samples / "images", name="demo")
                _follow(client, job, console=console, between=supervisor.watch)
                duration_s = time.monotonic() - started_s
                client.download(job.id, archive)
            console.print("Stopping everything…", style="dim")
    results = _results(archive, truths)
    score = _score(results)
    speed = f"{len(results)} images in {duration_s:.2f} s, {len(results) / duration_s:,.0f} images/s"
    _show(results, console=console)
    sheet = output / "contact-sheet.png"
    _draw(results, archive, subtitle=f"{score}   ·   {speed}   ·   wrong labels are red").save(sheet)
    console.print(f"\n[bold green]{score}[/]\n{speed}\n", highlight=False)
    console.print(f"{archive}  the archive\n{sheet}  images beside their overlays", highlight=False)


def _truths(samples: Path) -> dict[str, str]:
    with (samples / "labels.csv").open(newline="") as file:
        return {row["file"]: row["label"] for row in csv.DictReader(file)}


def _follow(client: Client, job: Job, *, console: Console, between: Callable[[], None]) -> None:
    """Returns when the job has ended well; raises DemoFailed if it did not."""
    columns = (
        TextColumn("Classifying and explaining"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("images"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=job.counts.total)
        while not job.ended:
            between()
            time.sleep(FOLLOW_EVERY_S)
            job = client.job(job.id)
            progress.update(task, completed=job.counts.ended)
    if not job.succeeded:
        raise DemoFailed(f"The job ended as {job.state}: {job.counts.failed} of {job.counts.total} images failed.")


def _results(archive: Path, truths: dict[str, str]) -> list[Result]:
    with zipfile.ZipFile(archive) as files:
        lines = [json.loads(line) for line in files.read("results.jsonl").splitlines()]
    names = [Path(line["name"]).name for line in lines]
    fields = ("label", "confidence", "original", "overlay")
    return [
        Result(file=name, truth=truths[name], **{field: line[field] for field in fields})
        for name, line in zip(names, lines, strict=True)
    ]


def _score(results: Sequence[Result]) -> str:
    right = sum(result.right for result in results)
    return f"{right} of {len(results)} right, accuracy {right / len(results):.1%}"


def _show(results: Sequence[Result], *, console: Console) -> None:
    wrong = [result for result in results if not result.right]
    _show_table(results[:ROWS_SHOWN], title=f"The first {ROWS_SHOWN} of {len(results)}", console=console)
    _show_table(wrong[:ROWS_SHOWN], title=f"{len(wrong)} that are wrong", console=console)


def _show_table(results: Sequence[Result], *, title: str, console: Console) -> None:
    table = Table("file", "label", "confidence", "true label", title=title, title_justify="left")
    table.columns[2].justify = "right"
    for result in results:
        color = "green" if result.right else "red"
        table.add_row(result.file, f"[{color}]{result.label}[/]", f"{result.confidence:.1%}", result.truth)
    console.print(table)


def _draw(results: Sequence[Result], archive: Path, *, subtitle: str) -> Image.Image:
    """A few of every class, a wrong one last in each row where there is one."""
    chosen: list[Result] = []
    for truth in sorted({result.truth for result in results}):
        of_class = [result for result in results if result.truth == truth]
        right = [result for result in of_class if result.right]
        wrong = [result for result in of_class if not result.right][:1]
        chosen += right[: CARDS_PER_CLASS - len(wrong)] + wrong
    with zipfile.ZipFile(archive) as files:
        cards = [_card(result, files) for result in chosen]
    return draw_contact_sheet(cards, title="What the model sees, and where it looks", subtitle=subtitle)


def _card(result: Result, files: zipfile.ZipFile) -> Card:
    original, overlay = (_picture(files, name) for name in (result.original, result.overlay))
    return Card(result.truth, result.label, result.confidence, original, overlay)


def _picture(files: zipfile.ZipFile, name: str) -> Image.Image:
    with files.open(name) as file, Image.open(file) as picture:
        return picture.convert("RGB")

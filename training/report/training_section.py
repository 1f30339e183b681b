"""What the report says of a model's training, and the copying of a run's records for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NotRequired, TypedDict

from training.findings import TRAINING, save
from training.fit.progress import COLUMNS, HISTORY, read_history
from training.report.blocks import Chart, Paragraph, Section, Table, percent
from training.report.drawing import BLUE, MUTED, ORANGE, canvas, only_grid

PLAN = "plan.json"  # as in training.fit.plan, which loads Keras; a report needs no model library


class StagePlan(TypedDict):
    """As in training.fit.plan; `local` is not in plans made before there were local stages."""

    size: int
    epochs: int
    part: str
    local: NotRequired[bool]


class TrainingFindings(TypedDict):
    """`training.json`: a run's plan, and its history column by column."""

    stages: list[StagePlan]
    settings: dict[str, object]
    history: dict[str, list[float]]


def save_training(run: Path, folder: Path) -> Path:
    """Copy what a run says of itself into the folder of findings. Raises FileNotFoundError when it is no run."""
    settings = json.loads((run / PLAN).read_text("utf-8"))
    rows = read_history(run / HISTORY)
    findings = TrainingFindings(
        stages=settings.pop("stages"),
        settings=settings.pop("strength") | settings,
        history={column: [float(row[column]) for row in rows] for column in COLUMNS},
    )
    return save(folder, TRAINING, findings)


def training_section(found: TrainingFindings) -> Section:
    """The stages, the curves, and all settings."""
    kept, accuracy = _kept(found)
    settings = tuple((name.replace("_", " "), _written(value)) for name, value in sorted(found["settings"].items()))
    return Section(
        "training",
        "Model and training",
        (
            Paragraph(_overview(found)),
            Chart(
                "training-accuracy",
                _curves(found, "accuracy"),
                f"Accuracy by epoch. On the validation images, epoch {kept:.0f} was kept with {percent(accuracy, 2)}. "
                "The training figure is measured on augmented and mixed images with dropout, so it may lie below.",
            ),
            Chart(
                "training-loss",
                _curves(found, "loss"),
                "Cross-entropy by epoch. With label smoothing and mixed images it does not go to 0.",
            ),
            Table(("setting", "value"), settings, "All that decides a run besides code and data."),
        ),
        "python -m training.fit.train",
    )


def _kept(found: TrainingFindings) -> tuple[float, float]:
    """(epoch, validation accuracy) of the last stage's best; of the whole run's where its end was not reached."""
    history = found["history"]
    begins = sum(stage["epochs"] for stage in found["stages"][:-1])
    rows = list(zip(history["epoch"], history["val_accuracy"], strict=True))
    last = [row for row in rows if row[0] > begins] or rows
    return max(last, key=lambda row: row[1])


def _overview(found: TrainingFindings) -> str:
    parts = {"all": "all layers", "late": "the late layers", "head": "the last layer"}
    stages = ", ".join(
        f"{stage['epochs']} epochs at {stage['size']} pixels ({parts[stage['part']]}{LOCAL if _local(stage) else ''})"
        for stage in found["stages"]
    )
    backbone = found["settings"].get("backbone", "MobileNetV2")
    done = len(found["history"]["epoch"])
    return (
        f"{backbone}, trained in stages: {stages}. {done} epochs were run. What is validated and kept "
        "is a moving average of the weights; the epoch kept is the last stage's best on the validation images."
    )


LOCAL = ", for local evidence"


def _local(stage: StagePlan) -> bool:
    return stage.get("local", False)


def _curves(found: TrainingFindings, figure: str) -> str:
    history = found["history"]
    epochs = history["epoch"]
    with canvas(2.9) as drawn:
        (axes,) = drawn.axes()
        for name, color, text in ((figure, ORANGE, "training"), (f"val_{figure}", BLUE, "validation")):
            values = history[name]
            axes.plot(epochs, values, "o-", color=color.light, markersize=3.5, linewidth=1.5)
            above = values[-1] == max(history[figure][-1], history[f"val_{figure}"][-1])
            side = "bottom" if above else "top"
            axes.text(epochs[-1] + 0.4, values[-1], f"{text} {values[-1]:.3f}", color=color.light, va=side)
        for first, name in _named_stages(found["stages"]):
            axes.axvline(first + 0.5, color=MUTED.light, linewidth=0.8, dashes=(2, 3))
            axes.text(first + 0.6, 1.02, name, color=MUTED.light, transform=axes.get_xaxis_transform())
        axes.set_xlim(0.4, epochs[-1] * 1.36 + 1)
        step = max(1, len(epochs) // 5)
        axes.set_xticks([epoch for epoch in epochs if epoch % step == 0])
        axes.set_xlabel("epoch")
        only_grid(axes, "y")
    return drawn.svg


def _named_stages(stages: list[StagePlan]) -> Iterator[tuple[int, str]]:
    """(epochs before it, name) of each stage that begins a size or local evidence."""
    done, named = 0, ""
    for stage in stages:
        name = "local" if _local(stage) else f"{stage['size']} px"
        if name != named:
            yield done, name
        done, named = done + stage["epochs"], name


def _written(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

"""What the report says of a model's training, and the copying of a run's records for it."""

import json
from pathlib import Path
from typing import TypedDict

from training.findings import TRAINING, save
from training.progress import COLUMNS, HISTORY, read_history
from training.report.blocks import Chart, Paragraph, Section, Table, percent
from training.report.drawing import BLUE, MUTED, ORANGE, canvas, only_grid

PLAN = "plan.json"  # as in training.plan, which loads Keras; a report needs no model library


class StagePlan(TypedDict):
    size: int
    epochs: int
    part: str


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
    history = found["history"]
    best = max(history["val_accuracy"])
    epoch = history["epoch"][history["val_accuracy"].index(best)]
    settings = tuple((name.replace("_", " "), _written(value)) for name, value in sorted(found["settings"].items()))
    return Section(
        "training",
        "Model and training",
        (
            Paragraph(_overview(found)),
            Chart(
                "training-accuracy",
                _curves(found, "accuracy"),
                f"Accuracy by epoch. On the validation images it is best after epoch {epoch:.0f}, {percent(best, 2)}. "
                "The training figure is measured on augmented and mixed images with dropout, so it may lie below.",
            ),
            Chart(
                "training-loss",
                _curves(found, "loss"),
                "Cross-entropy by epoch. With label smoothing and mixed images it does not go to 0.",
            ),
            Table(("setting", "value"), settings, "All that decides a run besides code and data."),
        ),
        "python -m training.train",
    )


def _overview(found: TrainingFindings) -> str:
    parts = {"all": "all layers", "late": "the late layers", "head": "the last layer"}
    stages = ", ".join(
        f"{stage['epochs']} epochs at {stage['size']} pixels ({parts[stage['part']]})" for stage in found["stages"]
    )
    backbone = found["settings"].get("backbone", "MobileNetV2")
    done = len(found["history"]["epoch"])
    return (
        f"{backbone}, trained in stages: {stages}. {done} epochs were run. What is validated "
        "and kept is a moving average of the weights; the epoch kept is that of the last image size with the best "
        "validation accuracy."
    )


def _curves(found: TrainingFindings, figure: str) -> str:
    history = found["history"]
    epochs, sizes = history["epoch"], history["size"]
    with canvas(2.9) as drawn:
        (axes,) = drawn.axes()
        for name, colour, text in ((figure, ORANGE, "training"), (f"val_{figure}", BLUE, "validation")):
            values = history[name]
            axes.plot(epochs, values, "o-", color=colour.light, markersize=3.5, linewidth=1.5)
            above = values[-1] == max(history[figure][-1], history[f"val_{figure}"][-1])
            side = "bottom" if above else "top"
            axes.text(epochs[-1] + 0.4, values[-1], f"{text} {values[-1]:.3f}", color=colour.light, va=side)
        for place, size in enumerate(sizes):
            if place == 0 or size != sizes[place - 1]:
                axes.axvline(epochs[place] - 0.5, color=MUTED.light, linewidth=0.8, dashes=(2, 3))
                axes.text(
                    epochs[place] - 0.4, 1.02, f"{size:.0f} px", color=MUTED.light, transform=axes.get_xaxis_transform()
                )
        axes.set_xlim(0.4, epochs[-1] * 1.36 + 1)
        step = max(1, len(epochs) // 5)
        axes.set_xticks([epoch for epoch in epochs if epoch % step == 0])
        axes.set_xlabel("epoch")
        only_grid(axes, "y")
    return drawn.svg


def _written(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

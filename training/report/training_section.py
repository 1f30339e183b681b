"""The report's section on training, and the copy of a run's plan and history that it reads."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict

from training.findings import TRAINING, save
from training.report.blocks import Chart, Paragraph, Section, Table, percent
from training.report.drawing import BLUE, MUTED, ORANGE, canvas, only_grid
from training.run.history import COLUMNS, HISTORY, read_history
from training.run.plan import read_plan


class StagePlan(TypedDict):
    """The fields of `training.run.plan.Stage`."""

    size: int
    epochs: int
    trainable: str
    consistency: bool


class TrainingFindings(TypedDict):
    """`training.json`: a run's stages, its other settings, and its history by column."""

    stages: list[StagePlan]
    settings: dict[str, object]
    history: dict[str, list[float]]


def save_training(run: Path, folder: Path) -> Path:
    """Copy a run's plan and history to `training.json` in the folder. Raises FileNotFoundError or InvalidPlan."""
    settings = asdict(read_plan(run))
    rows = read_history(run / HISTORY)
    findings = TrainingFindings(
        stages=list(settings.pop("stages")),
        settings=settings.pop("augmentation") | settings,
        history={column: [float(row[column]) for row in rows] for column in COLUMNS},
    )
    return save(folder, TRAINING, findings)


def training_section(found: TrainingFindings) -> Section:
    """Return the section: stages, curves, and all settings."""
    epoch, accuracy = _best_epoch(found)
    settings = tuple((name.replace("_", " "), _formatted(value)) for name, value in sorted(found["settings"].items()))
    return Section(
        "training",
        "Model and training",
        (
            Paragraph(_overview(found)),
            Chart(
                "training-accuracy",
                _curves(found, "accuracy"),
                f"Accuracy by epoch. Epoch {epoch:.0f} was kept, with {percent(accuracy, 2)} on the validation images. "
                "Training accuracy is measured on augmented images with dropout, so it may be lower.",
            ),
            Chart(
                "training-loss",
                _curves(found, "loss"),
                "Cross-entropy by epoch. Label smoothing and mixed images keep it above 0.",
            ),
            Table(("setting", "value"), settings, "All settings of the run."),
        ),
        "python -m training train",
    )


def _best_epoch(found: TrainingFindings) -> tuple[float, float]:
    """Return (epoch, validation accuracy) of the last stage's best epoch; of the whole run if that stage has none."""
    history = found["history"]
    begins = sum(stage["epochs"] for stage in found["stages"][:-1])
    rows = list(zip(history["epoch"], history["val_accuracy"], strict=True))
    last = [row for row in rows if row[0] > begins] or rows
    return max(last, key=lambda row: row[1])


def _overview(found: TrainingFindings) -> str:
    layers = {"all": "all layers", "late": "the late layers", "head": "the last layer"}
    stages = ", ".join(
        f"{stage['epochs']} epochs at {stage['size']} pixels "
        f"({layers[stage['trainable']]}{WITH_CONSISTENCY if stage['consistency'] else ''})"
        for stage in found["stages"]
    )
    backbone = found["settings"]["backbone"]
    done = len(found["history"]["epoch"])
    return (
        f"{backbone}, trained in stages: {stages}. {done} epochs were run. A moving average of the "
        "weights is validated and kept, from the epoch of the last stage with the best validation accuracy."
    )


WITH_CONSISTENCY = ", with consistency regularization"


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
    """Yield (epochs before it, name) of each stage with which an image size or consistency regularization begins."""
    done, named = 0, ""
    for stage in stages:
        name = "consistency" if stage["consistency"] else f"{stage['size']} px"
        if name != named:
            yield done, name
        done, named = done + stage["epochs"], name


def _formatted(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

"""Assemble the report from the findings in a folder; missing findings are listed with the command that saves them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar, cast

from training.explanation.findings import ExplanationFindings
from training.findings import EVALUATION, EXPLANATIONS, EXPLORATION, TRAINING, EvaluationFindings, ExplorationFindings
from training.report.blocks import Missing, Report, Section, Tile, percent
from training.report.data_section import data_section
from training.report.explanation_section import explanation_section, faithfulness_tile
from training.report.quality_section import cost_section, evaluation_images, quality_sections
from training.report.training_section import TrainingFindings, training_section

Findings = TypeVar("Findings")


def assemble(folder: Path) -> Report:
    """Read the findings in the folder and return the report on them."""
    evaluation = _read(folder / EVALUATION, EvaluationFindings)
    explanations = _read(folder / EXPLANATIONS, ExplanationFindings)
    model = evaluation["model"] if evaluation else None
    return Report(
        title=f"{model['name']} {model['version']}" if model else f"{folder.parent.name} {folder.name}",
        lead=_lead(evaluation),
        tiles=tuple(_tiles(evaluation, explanations)),
        sections=tuple(_sections(folder, evaluation, explanations)),
    )


def _sections(
    folder: Path, evaluation: EvaluationFindings | None, explanations: ExplanationFindings | None
) -> Iterator[Section]:
    if exploration := _read(folder / EXPLORATION, ExplorationFindings):
        yield data_section(exploration, folder)
    else:
        yield _missing("data", "The data", EXPLORATION, "python -m training explore --out FOLDER")
    if training := _read(folder / TRAINING, TrainingFindings):
        yield training_section(training)
    else:
        yield _missing("training", "Model and training", TRAINING, "python -m training report FOLDER --run RUN")
    if evaluation:
        yield from quality_sections(evaluation, folder)
    else:
        yield _missing("accuracy", "Accuracy", EVALUATION, "python -m training evaluate ARTIFACT --out FOLDER")
    if explanations:
        yield explanation_section(explanations, folder)
    else:
        yield _missing("explanations", "Explanations", EXPLANATIONS, "python -m training explain ARTIFACT --out FOLDER")
    if evaluation:
        yield cost_section(evaluation)


def _missing(anchor: str, title: str, file: str, command: str) -> Section:
    return Section(anchor, title, (Missing(f"Not measured: `{file}` is missing. This command writes it:", command),))


def _lead(evaluation: EvaluationFindings | None) -> str:
    images = f" Classification was evaluated on {evaluation_images(evaluation)}." if evaluation else ""
    return (
        f"The evaluation of this model version.{images} Every number comes from a file that the command below its "
        "section wrote. Sections without such a file say that it is missing."
    )


def _tiles(evaluation: EvaluationFindings | None, explanations: ExplanationFindings | None) -> Iterator[Tile]:
    if evaluation:
        yield from _quality_tiles(evaluation)
    if explanations:
        yield faithfulness_tile(explanations)


def _quality_tiles(evaluation: EvaluationFindings) -> Iterator[Tile]:
    name, first = next(iter(evaluation["precisions"].items()))
    hardest = min(first["classes"], key=lambda one: one["f1"])
    cost = first["cost"]
    yield Tile(percent(first["accuracy"], 2), "accuracy", f"{percent(first['low'])} to {percent(first['high'])}")
    yield Tile(f"{first['macro_f1']:.4f}", "macro F1", f"lowest: {hardest['label']}, {hardest['f1']:.3f}")
    yield Tile(
        f"{first['calibrated']['calibration_error']:.4f}",
        "calibration error",
        f"{first['uncalibrated']['calibration_error']:.4f} before scaling",
    )
    yield Tile(f"{cost['images_per_s']:,.0f}", "images/s with CAM", f"{name}, {cost['threads']} CPU threads")
    yield Tile(f"{cost['graph_mb']:.1f} MB", "serving graph", f"{cost['artifact_mb']:.1f} MB for all files")


def _read(path: Path, shape: type[Findings]) -> Findings | None:
    """Return the findings in a file that a command of `training` wrote; None if the file is missing."""
    return cast(Findings, json.loads(path.read_text("utf-8"))) if path.is_file() else None

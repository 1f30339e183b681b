"""Two figures of a results file: every key against its target, and the milliseconds of each stage."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.harness.results import STAGES
from bench.reporting.targets import TARGETS

GOOD, BAD, LINE = "#2a9d6f", "#d1495b", "#444444"
ROW_INCHES, WIDTH_INCHES = 0.36, 9.0
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
STAGES_OF_EVERY_IMAGE = ("receive", "store", "queue", "fetch", "decode", "infer", "explain", "commit")
STAGES_OF_AN_ARCHIVE = ("draw", "archive")


def draw_figures(results: Mapping[str, Any], file: Path) -> list[Path]:
    """Write the figures of these results as SVGs beside their file, and return the SVG files."""
    figures = {"targets": target_figure(results), "stages": stage_figure(results)}
    drawn = {file.with_name(f"{file.stem}-{name}.svg"): figure for name, figure in figures.items() if figure}
    with mpl.rc_context({"svg.hashsalt": "batchlight", "svg.fonttype": "none"}):
        for path, figure in drawn.items():
            figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    return list(drawn)


def target_figure(results: Mapping[str, Any]) -> Figure | None:
    """Draw each key as a multiple of its target (2 is twice as good), its runs as dots; None without results."""
    keys = [key for key in reversed(TARGETS) if results.get(key, {}).get("value")]
    if not keys:
        return None
    figure, axes = _empty(rows=len(keys))
    for row, key in enumerate(keys):
        measured = (results[key]["value"], *results[key]["runs"])
        value, *runs = (_share_of_target(key, one) for one in measured if one > 0)
        axes.barh(row, value - 1, left=1, color=GOOD if value >= 1 else BAD, height=0.6)
        axes.plot(runs, [row] * len(runs), ".", color=LINE, markersize=3)
    axes.set_xscale("log")
    axes.set_xlim(TICKS[0], TICKS[-1])
    axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.axvline(1, color=LINE, linewidth=1)
    axes.set_yticks(range(len(keys)), [f"{key}  {TARGETS[key]}" for key in keys])
    axes.set_xlabel("share of the target (right of 1: met)")
    return figure


def stage_figure(results: Mapping[str, Any]) -> Figure | None:
    """Draw the milliseconds that an image takes in each stage; None without stages."""
    milliseconds: Mapping[str, Any] = results.get(STAGES) or {}
    stages = [stage for stage in (*STAGES_OF_EVERY_IMAGE, *STAGES_OF_AN_ARCHIVE) if stage in milliseconds]
    if not stages:
        return None
    figure, axes = _empty(rows=len(stages))
    for row, stage in enumerate(reversed(stages)):
        axes.barh(row, max(milliseconds[stage], 0), color=BAD if stage in STAGES_OF_AN_ARCHIVE else GOOD, height=0.6)
        axes.text(max(milliseconds[stage], 0), row, f" {milliseconds[stage]:.3f}", va="center", fontsize=8)
    axes.set_yticks(range(len(stages)), list(reversed(stages)))
    axes.set_xlabel("ms per image on one core (red: only for an archive)")
    return figure


def _share_of_target(key: str, value: float) -> float:
    target = TARGETS[key]
    return value / target.limit if target.bound == "≥" else target.limit / value


def _empty(*, rows: int) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH_INCHES, 1.0 + ROW_INCHES * rows))
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes

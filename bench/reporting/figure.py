"""Two figures of a results file: every key against its target, and where the milliseconds go."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.harness.results import STAGES
from bench.reporting.table import TARGETS

GOOD, BAD, LINE = "#2a9d6f", "#d1495b", "#444444"
ROW_INCHES, WIDTH_INCHES = 0.36, 9.0
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
ALWAYS = ("receive", "store", "queue", "fetch", "decode", "infer", "explain", "commit")
ASKED = ("draw", "archive")
"""Stages of an image whose archive somebody asks for."""


def draw_figures(results: Mapping[str, Any], file: Path) -> list[Path]:
    """Writes what can be drawn of these results as SVGs beside their file; returns the files."""
    figures = {"targets": target_figure(results), "stages": stage_figure(results)}
    drawn = {file.with_name(f"{file.stem}-{name}.svg"): figure for name, figure in figures.items() if figure}
    with mpl.rc_context({"svg.hashsalt": "batchlight", "svg.fonttype": "none"}):
        for path, figure in drawn.items():
            figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    return list(drawn)


def target_figure(results: Mapping[str, Any]) -> Figure | None:
    """How far each key lies on the right side of its target: 1 meets it, 2 is twice as good; runs as dots."""
    keys = [key for key in reversed(TARGETS) if results.get(key, {}).get("value")]
    if not keys:
        return None
    figure, axes = _empty(rows=len(keys))
    for row, key in enumerate(keys):
        value, *runs = (_margin(key, figure) for figure in (results[key]["value"], *results[key]["runs"]) if figure > 0)
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
    """Milliseconds an image takes in each stage, one after the other."""
    spent: Mapping[str, Any] = results.get(STAGES) or {}
    stages = [stage for stage in (*ALWAYS, *ASKED) if stage in spent]
    if not stages:
        return None
    figure, axes = _empty(rows=len(stages))
    for row, stage in enumerate(reversed(stages)):
        axes.barh(row, max(spent[stage], 0), color=BAD if stage in ASKED else GOOD, height=0.6)
        axes.text(max(spent[stage], 0), row, f" {spent[stage]:.3f}", va="center", fontsize=8)
    axes.set_yticks(range(len(stages)), list(reversed(stages)))
    axes.set_xlabel("ms per image on one core (red: only for an archive)")
    return figure


def _margin(key: str, value: float) -> float:
    target = TARGETS[key]
    return value / target.limit if target.bound == "≥" else target.limit / value


def _empty(*, rows: int) -> tuple[Figure, Any]:
    figure = Figure(figsize=(WIDTH_INCHES, 1.0 + ROW_INCHES * rows))
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes

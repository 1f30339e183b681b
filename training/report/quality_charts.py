"""Charts of the evaluation of a classifier."""

import re
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator

from training.findings import PrecisionEvaluation, Robustness
from training.report.drawing import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, canvas, draw_image, only_grid, set_up_grid
from training.sheet import read_sheet

MISTAKES_PER_ROW, SHEET_COLUMNS = 6, 8
MAX_CONFUSED_PAIRS = 10
MIN_IMAGES_IN_BIN = 10
TITLES = {"noise": "noise, levels", "blur": "blur, radius", "shift": "shift, distance", "jpeg": "JPEG, quality"}


def f1_by_class(evaluation: PrecisionEvaluation) -> str:
    """Draw F1 with its interval, precision and recall of each class, the lowest F1 at the top."""
    classes = sorted(evaluation["classes"], key=lambda one: one["f1"])
    with canvas(0.8 + 0.27 * len(classes)) as drawn:
        (axes,) = drawn.axes()
        for row, one in enumerate(classes):
            axes.plot([one["low"], one["high"]], [row, row], color=BLUE.light, linewidth=5, alpha=0.3)
            axes.plot(one["precision"], row, "<", color=ORANGE.light, markersize=5, label="" if row else "precision")
            axes.plot(one["recall"], row, ">", color=GREEN.light, markersize=5, label="" if row else "recall")
            axes.plot(one["f1"], row, "o", color=BLUE.light, markersize=6, label="" if row else "F1, 95 % interval")
            axes.text(
                1.015, row, f"{one['f1']:.3f}", va="center", color=INK.light, transform=axes.get_yaxis_transform()
            )
        axes.set_yticks(range(len(classes)), [one["label"] for one in classes], color=INK.light)
        axes.invert_yaxis()
        axes.set_xlim(right=1.005)
        only_grid(axes, "x")
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, handlelength=1, borderpad=0)
    return drawn.svg


def confusion(evaluation: PrecisionEvaluation, labels: list[str]) -> str:
    """Draw the counts, shaded by their fraction of the true class."""
    counts = np.array(evaluation["confusion"])
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with canvas(1.2 + 0.42 * len(labels)) as drawn:
        (axes,) = drawn.axes()
        for (row, column), fraction in np.ndenumerate(fractions):
            cell = Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, color=BLUE.light, linewidth=0)
            cell.set_alpha(float(0.04 + 0.96 * fraction**0.6))
            axes.add_patch(cell)
            if counts[row, column]:
                ink = PAPER if fraction > 0.4 else INK
                axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=ink.light, fontsize=9)
        axes.set_xticks(range(len(labels)), labels, rotation=90, color=INK.light)
        axes.set_yticks(range(len(labels)), labels, color=INK.light)
        axes.xaxis.tick_top()
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_aspect("equal")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_ylabel("true class")
        axes.set_xlabel("predicted class")
    return drawn.svg


def reliability(evaluation: PrecisionEvaluation) -> str:
    """Draw accuracy over confidence, with and without temperature scaling, above the number of images in each bin."""
    with canvas(3.9) as drawn:
        upper, lower = drawn.figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=MUTED.light, linewidth=1, dashes=(4, 3))
        upper.text(0.02, 0.3, "perfect calibration", color=MUTED.light)
        series = (
            ("before", evaluation["uncalibrated"], ORANGE, "s"),
            ("after", evaluation["calibrated"], BLUE, "o"),
        )
        for number, (name, calibration, color, marker) in enumerate(series):
            filled = [one for one in calibration["bins"] if one["images"] >= MIN_IMAGES_IN_BIN]
            confidence, accuracy = ([one[axis] for one in filled] for axis in ("confidence", "accuracy"))
            legend = f"{name} scaling: calibration error {calibration['calibration_error']:.4f}"
            upper.plot(confidence, accuracy, marker, linestyle="-", color=color.light, markersize=4.5, linewidth=1.2)
            upper.text(0.02, 0.95 - 0.09 * number, legend, color=color.light, transform=upper.transAxes)
            counts = [one["images"] for one in calibration["bins"]]
            shift = (number - 0.5) * 0.026
            lower.bar((np.arange(len(counts)) + 0.5) / len(counts) + shift, counts, 0.024, color=color.light)
        upper.set_ylabel("accuracy")
        lower.set_yscale("log")
        lower.yaxis.set_major_formatter("{x:,.0f}")
        lower.yaxis.set_minor_locator(NullLocator())
        lower.set_ylabel("images")
        lower.set_xlabel("confidence")
        upper.set_xlim(0, 1)
        upper.set_ylim(0, 1.02)
    return drawn.svg


def robustness(evaluation: PrecisionEvaluation) -> str:
    """Draw accuracy over severity, one panel per kind of corruption."""
    kinds = [(name, list(rows)) for name, rows in groupby(evaluation["robustness"], key=lambda row: row["corruption"])]
    with canvas(3.9) as drawn:
        panels = drawn.axes(2, -(-len(kinds) // 2), sharey=True)
        for axes in panels[len(kinds) :]:
            axes.set_visible(False)
        for axes, (name, rows) in zip(panels, kinds, strict=False):
            _draw_severities(axes, name, rows, clean_accuracy=evaluation["clean_accuracy"])
    return drawn.svg


def _draw_severities(axes: Axes, name: str, rows: list[Robustness], *, clean_accuracy: float) -> None:
    positions = range(1, len(rows) + 1)
    accuracy, low, high = ([row[key] for row in rows] for key in ("accuracy", "low", "high"))
    axes.axhline(clean_accuracy, color=MUTED.light, linewidth=1, dashes=(4, 3))
    axes.vlines(positions, low, high, color=BLUE.light, linewidth=4, alpha=0.3)
    axes.plot(positions, accuracy, "o-", color=BLUE.light, markersize=4.5, linewidth=1.4)
    axes.set_xticks(positions, [_short(row) for row in rows])
    axes.set_xlim(0.5, len(rows) + 0.5)
    axes.set_ylim(0, 1)
    axes.set_title(TITLES.get(name, name))
    only_grid(axes, "y")


def _short(row: Robustness) -> str:
    """Return the number in the amount, with its percent sign; an empty text if there is none."""
    return "".join(re.findall(r"\d+(?: %)?", row["amount"])[:1])


def corrupted_images(evaluation: PrecisionEvaluation, sheet: Path) -> str:
    """Draw one image under every corruption, with the accuracy under that corruption."""
    rows = evaluation["robustness"]
    pictures = read_sheet(sheet, columns=1 + len(rows), count=1 + len(rows))
    kinds = [list(group) for _, group in groupby(range(len(rows)), key=lambda number: rows[number]["corruption"])]
    margin, columns = 1.05, 1 + max(len(kind) for kind in kinds)
    with canvas(1.02 * 1.22 * len(kinds)) as drawn:
        (axes,) = drawn.axes()
        set_up_grid(axes, columns=columns + margin, rows=1.3 * len(kinds))
        for down, kind in enumerate(kinds):
            axes.text(
                margin - 0.1,
                1.3 * down + 0.5,
                rows[kind[0]]["corruption"].replace("jpeg", "JPEG"),
                ha="right",
                va="center",
            )
            shown = [(pictures[0], evaluation["clean_accuracy"], "none")]
            shown += [(pictures[1 + number], rows[number]["accuracy"], _short(rows[number])) for number in kind]
            for right, (pixels, accuracy, amount) in enumerate(shown):
                draw_image(axes, pixels, left=margin + right, top=1.3 * down, width=0.94, height=0.94)
                left, foot = margin + right, 1.3 * down + 1.07
                axes.text(left + 0.02, foot, f"{100 * accuracy:.0f} %", va="center", fontsize=9)
                axes.text(left + 0.92, foot, amount, va="center", ha="right", fontsize=8.5, color=MUTED.light)
    return drawn.svg


def confused_pairs(evaluation: PrecisionEvaluation, labels: list[str]) -> str:
    """Draw the most frequent pairs of true and predicted class."""
    pairs = most_confused(evaluation, labels)[:MAX_CONFUSED_PAIRS]
    with canvas(0.5 + 0.27 * len(pairs)) as drawn:
        (axes,) = drawn.axes()
        names = [f"{true_class} → {predicted_class}" for true_class, predicted_class, _ in pairs]
        axes.bar_label(axes.barh(names, [count for *_, count in pairs], 0.6, color=BLUE.light), padding=4)
        axes.invert_yaxis()
        axes.tick_params(axis="y", labelcolor=INK.light)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("images: true class → predicted class")
        only_grid(axes, "x")
    return drawn.svg


def most_confused(evaluation: PrecisionEvaluation, labels: list[str]) -> list[tuple[str, str, int]]:
    """Return (true class, predicted class, images) of all mistakes, the most frequent pair first."""
    counts = np.array(evaluation["confusion"])
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")
    cells = (divmod(int(index), len(labels)) for index in order)
    return [(labels[row], labels[column], int(counts[row, column])) for row, column in cells if counts[row, column]]


def mistakes(evaluation: PrecisionEvaluation, sheet: Path) -> str:
    """Draw the most confident mistakes with true class, predicted class and confidence."""
    wrong = evaluation["mistakes"]
    pictures = read_sheet(sheet, columns=SHEET_COLUMNS, count=len(wrong))
    rows, step = -(-len(wrong) // MISTAKES_PER_ROW), 1.66
    with canvas(0.86 * step * rows) as drawn:
        (axes,) = drawn.axes()
        set_up_grid(axes, columns=MISTAKES_PER_ROW, rows=step * rows)
        for number, (one, pixels) in enumerate(zip(wrong, pictures, strict=True)):
            down, right = divmod(number, MISTAKES_PER_ROW)
            draw_image(axes, pixels, left=right + 0.04, top=step * down, width=0.92, height=0.92)
            texts = (
                (one["true_class"], INK),
                (f"→ {one['predicted_class']}", ORANGE),
                (f"{100 * one['confidence']:.1f} %", MUTED),
            )
            for line, (text, color) in enumerate(texts):
                top = step * down + 1.05 + 0.19 * line
                axes.text(right + 0.5, top, text, ha="center", va="center", fontsize=8.5, color=color.light)
    return drawn.svg

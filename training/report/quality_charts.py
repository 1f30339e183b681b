"""Charts of how well a model classifies."""

import re
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator

from training.findings import Calibration, Judgement, Robustness
from training.report.drawing import BLUE, GREEN, INK, MUTED, ORANGE, PAPER, board, canvas, only_grid, place
from training.sheet import read_sheet

MISTAKES_A_ROW, MISTAKES_COLUMNS = 6, 8
PAIRS = 10
LEAST_IN_BIN = 10
TITLES = {"noise": "noise, levels", "blur": "blur, radius", "shift": "shift, way", "jpeg": "JPEG, quality"}


def f1_by_class(judged: Judgement) -> str:
    """F1 with its interval, precision and recall beside it, the hardest class at the top."""
    classes = sorted(judged["classes"], key=lambda one: one["f1"])
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


def confusion(judged: Judgement, labels: list[str]) -> str:
    """Counts, shaded by their share of the true class."""
    counts = np.array(judged["confusion"])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with canvas(1.2 + 0.42 * len(labels)) as drawn:
        (axes,) = drawn.axes()
        for (row, column), share in np.ndenumerate(shares):
            cell = Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, color=BLUE.light, linewidth=0)
            cell.set_alpha(float(0.04 + 0.96 * share**0.6))
            axes.add_patch(cell)
            if counts[row, column]:
                ink = PAPER if share > 0.4 else INK
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


def reliability(judged: Judgement) -> str:
    """Accuracy over confidence, before and after the temperature, over the number of images in each bin."""
    with canvas(3.9) as drawn:
        upper, lower = drawn.figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=MUTED.light, linewidth=1, dashes=(4, 3))
        upper.text(0.02, 0.3, "as sure as right", color=MUTED.light)
        kinds = (("before", ORANGE, "s"), ("after", BLUE, "o"))
        for place_, (name, color, marker) in enumerate(kinds):
            judgement: Calibration = judged["before"] if name == "before" else judged["after"]
            filled = [one for one in judgement["bins"] if one["images"] >= LEAST_IN_BIN]
            sure, right = ([one[axis] for one in filled] for axis in ("confidence", "accuracy"))
            legend = f"{name} scaling: calibration error {judgement['error']:.4f}"
            upper.plot(sure, right, marker, linestyle="-", color=color.light, markersize=4.5, linewidth=1.2)
            upper.text(0.02, 0.95 - 0.09 * place_, legend, color=color.light, transform=upper.transAxes)
            counts = [one["images"] for one in judgement["bins"]]
            shift = (place_ - 0.5) * 0.026
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


def robustness(judged: Judgement) -> str:
    """Accuracy over severity, a panel for every corruption."""
    kinds = [(name, list(rows)) for name, rows in groupby(judged["robustness"], key=lambda row: row["corruption"])]
    with canvas(3.9) as drawn:
        panels = drawn.axes(2, -(-len(kinds) // 2), sharey=True)
        for axes in panels[len(kinds) :]:
            axes.set_visible(False)
        for axes, (name, rows) in zip(panels, kinds, strict=False):
            _falling(axes, name, rows, undamaged=judged["undamaged"])
    return drawn.svg


def _falling(axes: Axes, name: str, rows: list[Robustness], *, undamaged: float) -> None:
    places = range(1, len(rows) + 1)
    accuracy, low, high = ([row[key] for row in rows] for key in ("accuracy", "low", "high"))
    axes.axhline(undamaged, color=MUTED.light, linewidth=1, dashes=(4, 3))
    axes.vlines(places, low, high, color=BLUE.light, linewidth=4, alpha=0.3)
    axes.plot(places, accuracy, "o-", color=BLUE.light, markersize=4.5, linewidth=1.4)
    axes.set_xticks(places, [_short(row) for row in rows])
    axes.set_xlim(0.5, len(rows) + 0.5)
    axes.set_ylim(0, 1)
    axes.set_title(TITLES.get(name, name))
    only_grid(axes, "y")


def _short(row: Robustness) -> str:
    """The number in the amount, with its sign of percent; nothing where there is none."""
    return "".join(re.findall(r"\d+(?: %)?", row["amount"])[:1])


def damaged_pictures(judged: Judgement, sheet: Path) -> str:
    """One image under every damage, with the accuracy under it."""
    rows = judged["robustness"]
    pictures = read_sheet(sheet, columns=1 + len(rows), count=1 + len(rows))
    kinds = [list(group) for _, group in groupby(range(len(rows)), key=lambda number: rows[number]["corruption"])]
    margin, columns = 1.05, 1 + max(len(kind) for kind in kinds)
    with canvas(1.02 * 1.22 * len(kinds)) as drawn:
        (axes,) = drawn.axes()
        board(axes, columns=columns + margin, rows=1.3 * len(kinds))
        for down, kind in enumerate(kinds):
            axes.text(
                margin - 0.1,
                1.3 * down + 0.5,
                rows[kind[0]]["corruption"].replace("jpeg", "JPEG"),
                ha="right",
                va="center",
            )
            shown = [(pictures[0], judged["undamaged"], "none")]
            shown += [(pictures[1 + number], rows[number]["accuracy"], _short(rows[number])) for number in kind]
            for right, (pixels, accuracy, amount) in enumerate(shown):
                place(axes, pixels, left=margin + right, top=1.3 * down, width=0.94, height=0.94)
                left, foot = margin + right, 1.3 * down + 1.07
                axes.text(left + 0.02, foot, f"{100 * accuracy:.0f} %", va="center", fontsize=9)
                axes.text(left + 0.92, foot, amount, va="center", ha="right", fontsize=8.5, color=MUTED.light)
    return drawn.svg


def confused_pairs(judged: Judgement, labels: list[str]) -> str:
    """The most frequent confusions."""
    pairs = most_confused(judged, labels)[:PAIRS]
    with canvas(0.5 + 0.27 * len(pairs)) as drawn:
        (axes,) = drawn.axes()
        names = [f"{truth} → {taken}" for truth, taken, _ in pairs]
        axes.bar_label(axes.barh(names, [count for *_, count in pairs], 0.6, color=BLUE.light), padding=4)
        axes.invert_yaxis()
        axes.tick_params(axis="y", labelcolor=INK.light)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("images: true class → what it was taken for")
        only_grid(axes, "x")
    return drawn.svg


def most_confused(judged: Judgement, labels: list[str]) -> list[tuple[str, str, int]]:
    """(true class, predicted class, images), the most frequent first; none without images."""
    counts = np.array(judged["confusion"])
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")
    places = (divmod(int(place_), len(labels)) for place_ in order)
    return [(labels[row], labels[column], int(counts[row, column])) for row, column in places if counts[row, column]]


def mistakes(judged: Judgement, sheet: Path) -> str:
    """The surest mistakes with what they are, what they were taken for, and how surely."""
    wrong = judged["mistakes"]
    pictures = read_sheet(sheet, columns=MISTAKES_COLUMNS, count=len(wrong))
    rows, step = -(-len(wrong) // MISTAKES_A_ROW), 1.66
    with canvas(0.86 * step * rows) as drawn:
        (axes,) = drawn.axes()
        board(axes, columns=MISTAKES_A_ROW, rows=step * rows)
        for number, (one, pixels) in enumerate(zip(wrong, pictures, strict=True)):
            down, right = divmod(number, MISTAKES_A_ROW)
            place(axes, pixels, left=right + 0.04, top=step * down, width=0.92, height=0.92)
            texts = (
                (one["truth"], INK),
                (f"→ {one['predicted']}", ORANGE),
                (f"{100 * one['confidence']:.1f} %", MUTED),
            )
            for line, (text, color) in enumerate(texts):
                top = step * down + 1.05 + 0.19 * line
                axes.text(right + 0.5, top, text, ha="center", va="center", fontsize=8.5, color=color.light)
    return drawn.svg

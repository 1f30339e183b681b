"""Charts of a data set."""

from pathlib import Path

import numpy as np

from training.findings import ExplorationFindings
from training.report.drawing import BLUE, GREEN, INK, MUTED, ORANGE, canvas, draw_image, only_grid, set_up_grid
from training.sheet import read_sheet

SAMPLES_PER_CLASS, ENLARGED_SHOWN, PAIRS_PER_ROW = 8, 4, 6
SPLIT_COLORS = {"training": BLUE, "validation": GREEN, "test": ORANGE}


def class_balance(found: ExplorationFindings) -> str:
    """Draw the images of each class as stacked bars by split."""
    labels = found["labels"]
    with canvas(0.7 + 0.24 * len(labels)) as drawn:
        (axes,) = drawn.axes()
        left = np.zeros(len(labels))
        for split in found["splits"]:
            color = SPLIT_COLORS[split["split"]]
            bars = axes.barh(labels, split["counts"], left=left, height=0.62, color=color.light, label=split["split"])
            left += split["counts"]
            if split is found["splits"][-1]:
                axes.bar_label(bars, [f"{total:,.0f}" for total in left], padding=4, fontsize=9.5)
        axes.set_xlim(0, left.max() * 1.14)
        axes.tick_params(axis="y", labelcolor=INK.light)
        axes.invert_yaxis()
        only_grid(axes, "x")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, handlelength=1, borderpad=0)
        axes.set_xlabel("images")
    return drawn.svg


def sample_grid(found: ExplorationFindings, sheet: Path) -> str:
    """Draw a row of samples for each class."""
    labels, margin = found["labels"], 3.2
    pictures = read_sheet(sheet, columns=SAMPLES_PER_CLASS, count=SAMPLES_PER_CLASS * len(labels))
    with canvas(0.47 * len(labels)) as drawn:
        (axes,) = drawn.axes()
        set_up_grid(axes, columns=SAMPLES_PER_CLASS + margin, rows=len(labels))
        for row, label in enumerate(labels):
            axes.text(margin - 0.25, row + 0.5, label, ha="right", va="center")
            strip = np.concatenate(pictures[row * SAMPLES_PER_CLASS : (row + 1) * SAMPLES_PER_CLASS], axis=1)
            draw_image(axes, strip, left=margin, top=row + 0.03, width=SAMPLES_PER_CLASS, height=0.94)
    return drawn.svg


def mean_grid(found: ExplorationFindings, sheet: Path) -> str:
    """Draw the mean image of each class with its name."""
    labels = found["labels"]
    columns = min(5, len(labels))
    rows = -(-len(labels) // columns)
    with canvas(1.28 * rows * 5 / columns) as drawn:
        (axes,) = drawn.axes()
        set_up_grid(axes, columns=columns, rows=1.25 * rows)
        for number, pixels in enumerate(read_sheet(sheet, columns=len(labels), count=len(labels))):
            row, column = divmod(number, columns)
            axes.text(column + 0.5, 1.25 * row + 0.1, labels[number], ha="center", va="center", fontsize=9.5)
            draw_image(axes, pixels, left=column + 0.04, top=1.25 * row + 0.22, width=0.92, height=0.92)
    return drawn.svg


def brightness(found: ExplorationFindings) -> str:
    """Draw the histogram of the training pixels of each class; the darkest bin is given as a number."""
    split = found["splits"][0]
    fractions = np.array(split["histogram"])
    centers = (np.arange(fractions.shape[1]) + 0.5) * 256 / fractions.shape[1]
    highest = fractions[:, 1:].max() or 1
    with canvas(0.7 + 0.3 * len(found["labels"])) as drawn:
        (axes,) = drawn.axes()
        for row, label in enumerate(found["labels"]):
            ridge = row - 1.3 * fractions[row, 1:] / highest
            axes.fill_between(centers[1:], ridge, row, color=BLUE.light, alpha=0.35, linewidth=0)
            axes.plot(centers[1:], ridge, color=BLUE.light, linewidth=1.2)
            axes.plot(split["mean"][row], row - 0.13, marker="|", markersize=8, markeredgewidth=2, color=ORANGE.light)
            axes.text(-8, row - 0.08, label, ha="right", va="bottom")
            axes.text(264, row - 0.08, f"{100 * fractions[row, 0]:.0f} % dark", va="bottom", color=MUTED.light)
        axes.set_ylim(len(found["labels"]) - 0.8, -1.3)
        axes.set_xlim(0, 256)
        axes.set_xticks([0, 64, 128, 192, 255])
        axes.set_yticks([])
        axes.set_xlabel("gray level; the orange bar is the class' mean")
        only_grid(axes, "x")
    return drawn.svg


def enlargement(found: ExplorationFindings, original: Path, enlarged: Path) -> str:
    """Draw some images before and after they are stretched for the network."""
    changed = found["enlargement"]
    rows = (
        (f"{changed['from_width']}×{changed['from_height']}, original", original),
        (f"{changed['to_side']}×{changed['to_side']}, input of the network", enlarged),
    )
    with canvas(3.1) as drawn:
        (axes,) = drawn.axes()
        set_up_grid(axes, columns=ENLARGED_SHOWN, rows=2.4)
        for row, (title, sheet) in enumerate(rows):
            axes.text(0.03, 1.2 * row + 0.1, title, va="center")
            for column, pixels in enumerate(read_sheet(sheet, columns=ENLARGED_SHOWN, count=ENLARGED_SHOWN)):
                draw_image(axes, pixels, left=column + 0.03, top=1.2 * row + 0.22, width=0.94, height=0.94)
    return drawn.svg


def nearest_pairs(found: ExplorationFindings, sheet: Path) -> str:
    """Draw the closest pairs across splits, the image of the other split above the training image."""
    pairs = found["near_duplicates"]["pairs"]
    pictures = read_sheet(sheet, columns=2, count=2 * len(pairs))
    rows, step = -(-len(pairs) // PAIRS_PER_ROW), 2.75
    with canvas(2.35 * rows) as drawn:
        (axes,) = drawn.axes()
        set_up_grid(axes, columns=PAIRS_PER_ROW, rows=step * rows)
        for number, pair in enumerate(pairs):
            row, column = divmod(number, PAIRS_PER_ROW)
            for half, pixels in enumerate(pictures[2 * number : 2 * number + 2]):
                draw_image(axes, pixels, left=column + 0.04, top=step * row + 0.95 * half, width=0.92, height=0.92)
            below = {2.05: (pair["label"], INK), 2.32: (f"{pair['distance']:.1f} levels", MUTED)}
            for down, (text, color) in below.items():
                axes.text(
                    column + 0.5, step * row + down, text, ha="center", va="center", fontsize=9, color=color.light
                )
    return drawn.svg

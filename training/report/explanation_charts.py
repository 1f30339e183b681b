"""Charts of the evaluation of explanations."""

from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image

from training.explanation.findings import BASELINES, SERVED, ExplanationFindings, Road, Sanity
from training.report.drawing import BLUE, GREEN, INK, MUTED, ORANGE, Color, canvas, draw_image, only_grid, set_up_grid
from training.sheet import read_sheet

MAX_OVERLAY_ROWS = 6


def overlays(found: ExplanationFindings, sheet: Path) -> str:
    """Draw a row per image: itself, then every method's map over it, without the baselines."""
    names = ["image", *found["overlays"]]
    with Image.open(sheet) as picture:
        rows = min(MAX_OVERLAY_ROWS, picture.height * len(names) // picture.width)
    cells = read_sheet(sheet, columns=len(names), count=_count(sheet, len(names)))
    shown = [number for number, name in enumerate(names) if name not in BASELINES]
    with canvas(4.6) as drawn:
        (axes,) = drawn.axes()
        set_up_grid(axes, columns=len(shown), rows=rows + 2.3)
        for right, column in enumerate(shown):
            axes.text(right + 0.5, 2.2, names[column], rotation=90, ha="center", va="bottom", fontsize=9)
            for down in range(rows):
                draw_image(axes, cells[down * len(names) + column], left=right, top=2.3 + down, width=0.96, height=0.96)
    return drawn.svg


def scores(found: ExplanationFindings) -> str:
    """Draw every method's score with its interval, the highest at the top."""
    methods = found["methods"]
    ranked = sorted(methods, key=lambda name: methods[name]["score"])
    with canvas(0.6 + 0.27 * len(ranked)) as drawn:
        (axes,) = drawn.axes()
        axes.axvline(0, color=MUTED.light, linewidth=1)
        for row, name in enumerate(ranked):
            one, color = methods[name], color_of(name)
            axes.plot([one["low"], one["high"]], [row, row], color=color.light, linewidth=5, alpha=0.3)
            axes.plot(one["score"], row, "o", color=color.light, markersize=6)
            axes.text(1.02, row, f"{one['score']:.3f}", va="center", transform=axes.get_yaxis_transform())
        axes.set_yticks(range(len(ranked)), ranked, color=INK.light)
        axes.set_xlabel("insertion − deletion")
        only_grid(axes, "x")
    return drawn.svg


def road(found: Road) -> str:
    """Draw the mean accuracy with the most and with the least relevant pixels replaced first, by falling difference."""
    most, least = found["most_relevant_first"], found["least_relevant_first"]
    ends = {name: (fmean(most[name]), fmean(least[name])) for name in most}
    ranked = sorted(ends, key=lambda name: ends[name][1] - ends[name][0])
    with canvas(0.8 + 0.27 * len(ranked)) as drawn:
        (axes,) = drawn.axes()
        for row, name in enumerate(ranked):
            color = color_of(name)
            axes.plot(ends[name], [row, row], color=color.light, linewidth=2, alpha=0.4)
            axes.plot(ends[name][0], row, "<", color=color.light, markersize=6)
            axes.plot(ends[name][1], row, ">", color=color.light, markersize=6)
            difference = f"{ends[name][1] - ends[name][0]:.3f}"
            axes.text(1.02, row, difference, va="center", transform=axes.get_yaxis_transform())
        axes.set_yticks(range(len(ranked)), ranked, color=INK.light)
        axes.set_xlabel("mean accuracy: ◂ most relevant first, least relevant first ▸, and the difference")
        only_grid(axes, "x")
    return drawn.svg


def sanity(found: Sanity) -> str:
    """Draw the similarity to the original CAMs over the randomized layers, and that of other images' CAMs."""
    positions = np.arange(len(found["layers"]) + 1)
    with canvas(3.4) as drawn:
        (axes,) = drawn.axes()
        axes.axhline(found["other_images"], color=MUTED.light, linewidth=1, dashes=(4, 3))
        axes.plot(positions, [1.0, *found["rank_correlation"]], "o-", color=BLUE.light, markersize=4.5, linewidth=1.5)
        axes.text(
            positions[-1],
            found["other_images"] + 0.02,
            "other images' CAMs",
            color=MUTED.light,
            ha="right",
            va="bottom",
        )
        axes.set_xticks(positions, ["none", *found["layers"]], rotation=90, fontsize=8.5)
        axes.set_ylim(top=1.05)
        axes.set_xlabel("layers randomized, from the output to this one")
        axes.set_ylabel("rank correlation")
        only_grid(axes, "y")
    return drawn.svg


def color_of(method: str) -> Color:
    """Return blue for the served method, orange for baselines, green for other methods."""
    if method == SERVED:
        return BLUE
    return ORANGE if method in BASELINES else GREEN


def _count(sheet: Path, columns: int) -> int:
    """Return the number of square images in the sheet."""
    with Image.open(sheet) as picture:
        return columns * (picture.height * columns // picture.width)

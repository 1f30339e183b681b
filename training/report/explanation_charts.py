"""Charts of how far explanations are to be believed."""

from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image

from training.explanation.findings import KNOW_NOTHING, SERVED, ExplanationFindings, Road, Sanity
from training.report.drawing import BLUE, GREEN, INK, MUTED, ORANGE, Color, board, canvas, only_grid, place
from training.sheet import read_sheet

PICTURED_ROWS = 6


def pictures(found: ExplanationFindings, sheet: Path) -> str:
    """A row per image: itself, then every method's map over it; the orders that ask no network are left out."""
    names = ["image", *found["pictured"]]
    with Image.open(sheet) as picture:
        rows = min(PICTURED_ROWS, picture.height * len(names) // picture.width)
    cells = read_sheet(sheet, columns=len(names), count=_count(sheet, len(names)))
    shown = [number for number, name in enumerate(names) if name not in KNOW_NOTHING]
    with canvas(4.6) as drawn:
        (axes,) = drawn.axes()
        board(axes, columns=len(shown), rows=rows + 2.3)
        for right, column in enumerate(shown):
            axes.text(right + 0.5, 2.2, names[column], rotation=90, ha="center", va="bottom", fontsize=9)
            for down in range(rows):
                place(axes, cells[down * len(names) + column], left=right, top=2.3 + down, width=0.96, height=0.96)
    return drawn.svg


def scores(found: ExplanationFindings) -> str:
    """Every method's score with its interval, the highest at the top."""
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
    """Mean accuracy with the most and with the least important pixels replaced first; the widest gap at the top."""
    ends = {name: (fmean(found["accuracy"][name]), fmean(found["least_first"][name])) for name in found["accuracy"]}
    ranked = sorted(ends, key=lambda name: ends[name][1] - ends[name][0])
    with canvas(0.8 + 0.27 * len(ranked)) as drawn:
        (axes,) = drawn.axes()
        for row, name in enumerate(ranked):
            color = color_of(name)
            axes.plot(ends[name], [row, row], color=color.light, linewidth=2, alpha=0.4)
            axes.plot(ends[name][0], row, "<", color=color.light, markersize=6)
            axes.plot(ends[name][1], row, ">", color=color.light, markersize=6)
            gap = f"{ends[name][1] - ends[name][0]:.3f}"
            axes.text(1.02, row, gap, va="center", transform=axes.get_yaxis_transform())
        axes.set_yticks(range(len(ranked)), ranked, color=INK.light)
        axes.set_xlabel("mean accuracy: ◂ most important first, least important first ▸, and the gap")
        only_grid(axes, "x")
    return drawn.svg


def sanity(found: Sanity) -> str:
    """Likeness to the first CAMs over the layers made random, beside that of other images' CAMs."""
    places = np.arange(len(found["layers"]) + 1)
    with canvas(3.4) as drawn:
        (axes,) = drawn.axes()
        axes.axhline(found["chance"], color=MUTED.light, linewidth=1, dashes=(4, 3))
        axes.plot(places, [1.0, *found["similarity"]], "o-", color=BLUE.light, markersize=4.5, linewidth=1.5)
        axes.text(places[-1], found["chance"] + 0.02, "other images' CAMs", color=MUTED.light, ha="right", va="bottom")
        axes.set_xticks(places, ["none", *found["layers"]], rotation=90, fontsize=8.5)
        axes.set_ylim(top=1.05)
        axes.set_xlabel("layers made random, from the output down to here")
        axes.set_ylabel("rank correlation")
        only_grid(axes, "y")
    return drawn.svg


def color_of(method: str) -> Color:
    """Blue for what is served, orange for the orders that ask no network, green for the other methods."""
    if method == SERVED:
        return BLUE
    return ORANGE if method in KNOW_NOTHING else GREEN


def _count(sheet: Path, columns: int) -> int:
    """How many square pictures are in the sheet."""
    with Image.open(sheet) as picture:
        return columns * (picture.height * columns // picture.width)

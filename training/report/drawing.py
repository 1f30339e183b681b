"""The style of charts: one palette, safe for color-blind readers, with a light and a dark theme.

Every color is drawn as its light value and written as a CSS variable with that value as fallback. Text stays text.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from matplotlib.typing import RcKeyType
from numpy.typing import NDArray

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Color:
    """A color by its role in every chart, in the light and in the dark theme."""

    name: str
    light: str
    dark: str


PAPER = Color("paper", "#fffffe", "#161b22")
INK = Color("ink", "#1c2430", "#e4e9f0")
MUTED = Color("muted", "#5f6b7a", "#98a4b3")
LINE = Color("line", "#dfe4ea", "#303947")
BLUE = Color("blue", "#0b6cb5", "#62b0ee")
ORANGE = Color("orange", "#c2500f", "#f29d5e")
GREEN = Color("green", "#0c7c5b", "#4cc4a0")
PALETTE = (PAPER, INK, MUTED, LINE, BLUE, ORANGE, GREEN)

WIDTH_IN, FILE_WIDTH_PX = 5.2, 560
PAD_IN = 0.1  # browsers' fonts are a little wider than the one that Matplotlib measures with
_STYLE: dict[RcKeyType, str | float | bool] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK.light,
    "axes.labelcolor": MUTED.light,
    "axes.labelsize": 9.5,
    "axes.edgecolor": LINE.light,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK.light,
    "axes.facecolor": "none",
    "grid.color": LINE.light,
    "grid.linewidth": 0.7,
    "figure.facecolor": PAPER.light,
    "xtick.color": LINE.light,
    "ytick.color": LINE.light,
    "xtick.labelcolor": MUTED.light,
    "ytick.labelcolor": MUTED.light,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.solid_capstyle": "round",
    "image.interpolation": "none",
}
_FONT = re.compile(r"'DejaVu Sans'(?:, sans-serif)?")


class Canvas:
    """A figure to draw on; `svg` is set when the `canvas` block ends."""

    def __init__(self, width_in: float, height_in: float) -> None:
        self.figure = Figure(figsize=(width_in, height_in), layout="constrained")
        self.svg = ""

    def axes(self, rows: int = 1, columns: int = 1, *, sharey: bool = False) -> list[Axes]:
        """Return the axes of a grid, row by row."""
        return list(self.figure.subplots(rows, columns, squeeze=False, sharey=sharey).flat)


@contextmanager
def canvas(height_in: float, *, width_in: float = WIDTH_IN) -> Iterator[Canvas]:
    """Yield a canvas in the style of this module, with its size in inches."""
    with mpl.rc_context(_STYLE):
        drawn = Canvas(width_in, height_in)
        yield drawn
        drawn.svg = _to_svg(drawn.figure)


def set_up_grid(axes: Axes, *, columns: float, rows: float) -> None:
    """Turn the axes into a grid of unit squares for `draw_image`, with its origin at the top left."""
    axes.set_axis_off()
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.set_aspect("equal")


def draw_image(axes: Axes, pixels: Images, *, left: float, top: float, width: float = 1, height: float = 1) -> None:
    """Draw an image on a grid, at a position and size in its units."""
    image = axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, extent=(left, left + width, top + height, top))
    image.set_clip_on(False)
    axes.set_autoscale_on(False)


def only_grid(axes: Axes, axis: str) -> None:
    """Show the grid lines of one axis, `x` or `y`, and no frame."""
    axes.grid(visible=False, axis="y" if axis == "x" else "x")
    axes.spines[:].set_visible(False)


def inline(svg: str, *, name: str, alt: str) -> str:
    """Return the drawing for an HTML page: with a label, ids that are unique on the page, and no namespaces."""
    named = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    linked = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", named)
    plain = re.sub(
        r' xmlns(:xlink)?="[^"]*"|<style.*?</style>', "", linked.replace("xlink:href", "href"), flags=re.DOTALL
    )
    return plain.replace("<svg ", f'<svg role="img" aria-label="{alt}" ', 1)


def standalone(svg: str) -> str:
    """Return the drawing as a file of its own, which defines its colors for both themes."""
    light, dark = (
        "".join(f"--{color.name}:{getattr(color, theme)};" for color in PALETTE) for theme in ("light", "dark")
    )
    rules = f"svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    return svg.replace("</style>", f"{rules}</style>", 1).replace("<svg ", f'<svg width="{FILE_WIDTH_PX}" ', 1)


def _to_svg(figure: Figure) -> str:
    written = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", metadata=nothing, bbox_inches=_drawn_area(figure))
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    for color in PALETTE:
        svg = svg.replace(color.light, f"var(--{color.name}, {color.light})")
    svg = _without_unused_ids(svg)
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r"<[^>]*>", _shortened, svg)
    return _FONT.sub("system-ui, sans-serif", svg).strip()


def _drawn_area(figure: Figure) -> Bbox:
    """Return the drawn part of the figure, at least at full width, so that all charts have one text size."""
    figure.draw_without_rendering()
    drawn = figure.get_tightbbox()
    left, right = min(0, drawn.x0 - PAD_IN), max(figure.get_figwidth(), drawn.x1 + PAD_IN)
    return Bbox.from_extents(left, drawn.y0 - PAD_IN, right, drawn.y1 + PAD_IN)


def _without_unused_ids(svg: str) -> str:
    """Remove the ids that nothing in the drawing refers to."""
    used = set(re.findall(r"#([\w.-]+)", svg))
    return re.sub(r'\sid="([^"]*)"', lambda match: match.group() if match[1] in used else "", svg)


def _shortened(tag: re.Match[str]) -> str:
    """Return the tag with its coordinates cut to a hundredth of a point."""
    return re.sub(r"(\d\.\d\d)\d+", r"\1", tag.group())

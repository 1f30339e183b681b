"""Render a report as one HTML page, and as Markdown with its charts as SVG files."""

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from training.files import atomic_write
from training.report.blocks import Block, Chart, Report
from training.report.drawing import PALETTE, inline, standalone

HTML, MARKDOWN, CHARTS = "report.html", "report.md", "figures"


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `report.html`, `report.md` and `figures/*.svg`, and return the paths of the first two."""
    charts = [block for section in report.sections for block in section.blocks if isinstance(block, Chart)]
    (folder / CHARTS).mkdir(parents=True, exist_ok=True)
    for chart in charts:
        _write(folder / CHARTS / f"{chart.name}.svg", standalone(chart.svg) + "\n")
    for name in (HTML, MARKDOWN):
        _write(folder / name, _templates().get_template(f"{name}.j2").render(report=report, palette=PALETTE))
    return folder / HTML, folder / MARKDOWN


def kind(block: Block) -> str:
    """Return the kind of a block in lower case, by which the templates choose."""
    return type(block).__name__.lower()


def coded(text: str) -> Markup:
    """Return the text as HTML, with the parts in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before


def drawn(chart: Chart) -> Markup:
    """Return the chart as HTML."""
    return Markup(inline(chart.svg, name=chart.name, alt=str(escape(chart.caption.replace("`", "")))))  # noqa: S704 - drawn by this package


def cell(text: str) -> str:
    """Return the text escaped for a cell of a Markdown table."""
    return text.replace("|", "\\|")


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("training.report", "."),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters.update(kind=kind, coded=coded, drawn=drawn, cell=cell)
    return templates


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as part:
        part.write_text(text, "utf-8")

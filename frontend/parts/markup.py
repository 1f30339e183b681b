"""The HTML fragments of the web UI. Every text from outside (names, labels, messages) is escaped in this module."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from batchlight import Item, Score
from frontend.messages import FAITHFULNESS_HELP, faithfulness_message, image_error_message

MIN_BAR_WIDTH = 0.004
"""Of the full width: the bar of a very unlikely class stays visible."""


@dataclass(frozen=True)
class Previews:
    """An image and its overlay as data URIs; None where there is no preview."""

    image: str | None
    overlay: str | None = None


def heading(text: str, description: str = "") -> str:
    """A view's heading, and a sentence below it."""
    paragraph = f"<p>{escape(description)}</p>" if description else ""
    return f'<div class="bl-heading"><h1>{escape(text)}</h1>{paragraph}</div>'


def job_heading(text: str) -> str:
    return f'<h1 class="bl-job-heading">{escape(text)}</h1>'


def row_title(text: str) -> str:
    return f'<div class="bl-row-title">{escape(text)}</div>'


def upload_hints(*, max_file_mb: int) -> str:
    """What can be dropped on the empty uploader, and what happens with it."""
    hints = {
        "One image": "Class, confidence and the runners-up at once, with the heatmap beside the image.",
        "Many, or a ZIP": "A job with live progress, then a gallery, a table and one archive to download.",
        "Formats and sizes": f"JPEG, PNG, WebP, GIF, BMP and ZIP, up to {max_file_mb} MB a file. Send a larger ZIP "
        "from a terminal: batchlight submit photos.zip",
    }
    sections = "".join(f"<section><b>{escape(name)}</b><p>{escape(text)}</p></section>" for name, text in hints.items())
    return f'<div class="bl-hints">{sections}</div>'


def empty_state(title: str, text: str) -> str:
    """What stands in place of an empty list."""
    return f'<div class="bl-empty"><b>{escape(title)}</b><p>{escape(text)}</p></div>'


def image_pair(previews: Previews, *, name: str) -> str:
    """The image beside its overlay."""
    return (
        f'<div class="bl-image-pair">{_figure(previews.image, "Your image", name)}'
        f"{_figure(previews.overlay, 'Where the model looked', name)}</div>"
    )


def prediction_summary(label: str, confidence: float) -> str:
    """The predicted class and its confidence, in large type."""
    return (
        f'<div class="bl-prediction"><span class="bl-overline">This looks like</span>'
        f'<span class="bl-label">{escape(label)}</span>'
        f'<span class="bl-confidence">{confidence:.1%} confident</span></div>'
    )


def faithfulness_note(score: float | None) -> str:
    """The heatmap's faithfulness as a sentence and a number; empty if it was not measured."""
    if score is None:
        return ""
    text = f"{faithfulness_message(score)} <span>Faithfulness {score:+.2f}</span>"
    return f'<p class="bl-faithfulness" title="{FAITHFULNESS_HELP}">{text}</p>'


def confidence_bars(scores: Sequence[Score]) -> str:
    """One bar for each class, in the order of the scores."""
    rows = "".join(
        f'<div class="bl-bar"><span>{escape(score.label)}</span><span>{score.confidence:.1%}</span>'
        f'<div><i style="width:{max(score.confidence, MIN_BAR_WIDTH):.2%}"></i></div></div>'
        for score in scores
    )
    return f'<div class="bl-bars">{rows}</div>'


def details(values: dict[str, str]) -> str:
    """Names and values in small print."""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in values.items())
    return f'<dl class="bl-details">{rows}</dl>'


def counters(counts: dict[str, int]) -> str:
    """Named counters side by side."""
    cells = "".join(
        f'<div class="bl-count-{escape(name.lower())}{" bl-zero" * (not count)}"><b>{count:,}</b>{escape(name)}</div>'
        for name, count in counts.items()
    )
    return f'<div class="bl-counters">{cells}</div>'


def gallery(cards: Iterable[tuple[Item, Previews]]) -> str:
    """A grid of items with as many columns as fit."""
    return f'<div class="bl-gallery">{"".join(_card(item, previews) for item, previews in cards)}</div>'


def download_link(address: str, text: str) -> str:
    """A link that looks like the primary button; the browser downloads the file."""
    return f'<a class="bl-download" href="{escape(address)}" download>{escape(text)}</a>'


def _card(item: Item, previews: Previews) -> str:
    name = escape(item.name)
    if item.error:
        message = escape(image_error_message(item.error.code, item.error.message))
        return (
            f'<article class="bl-card bl-failed"><div class="bl-error-message">{message}</div>'
            f'<footer><b>Failed</b><small title="{name}">{name}</small></footer></article>'
        )
    confidence = item.confidence or 0.0
    return (
        f'<article class="bl-card"><div class="bl-thumbnails">{_picture(previews.image, item.name)}'
        f"{_picture(previews.overlay, f'Heatmap of {item.name}')}</div>"
        f"<footer><b>{escape(item.label or '')}</b><em>{confidence:.0%}</em>"
        f'<small title="{name}">{name}</small>{_score(item.faithfulness)}</footer>'
        f'<i class="bl-confidence-bar" style="width:{confidence:.1%}"></i></article>'
    )


def _score(score: float | None) -> str:
    if score is None:
        return ""
    return f'<small title="{faithfulness_message(score)} {FAITHFULNESS_HELP}">Faithfulness {score:+.2f}</small>'


def _figure(uri: str | None, caption: str, name: str) -> str:
    return f"<figure>{_picture(uri, f'{caption}: {name}')}<figcaption>{caption}</figcaption></figure>"


def _picture(uri: str | None, alt: str) -> str:
    if uri is None:
        return '<div class="bl-no-preview">No preview</div>'
    return f'<img src="{uri}" alt="{escape(alt)}">'

"""The pieces of the page that are HTML of ours: every text that came from outside is escaped here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from batchlight import Item, Score
from frontend.messages import MEASURED, faithfulness, image_failure


@dataclass(frozen=True)
class Pictures:
    """An image and its overlay as data URIs; None where there is nothing to show."""

    image: str | None
    overlay: str | None = None


def pair(pictures: Pictures, *, name: str) -> str:
    """The image beside its overlay."""
    return (
        f'<div class="bl-pair">{_figure(pictures.image, "Your image", name)}'
        f"{_figure(pictures.overlay, 'Where the model looked', name)}</div>"
    )


def verdict(label: str, confidence: float) -> str:
    """The answer itself, large."""
    return (
        f'<div class="bl-verdict"><span class="bl-eyebrow">This looks like</span>'
        f'<span class="bl-label">{escape(label)}</span>'
        f'<span class="bl-confidence">{confidence:.1%} confident</span></div>'
    )


def judged(score: float | None) -> str:
    """How faithful the heatmap is, in words and as a number; nothing where that was not measured."""
    if score is None:
        return ""
    words = f"{faithfulness(score)} <span>Faithfulness {score:+.2f}</span>"
    return f'<p class="bl-judged" title="{MEASURED}">{words}</p>'


def bars(scores: Sequence[Score]) -> str:
    """One bar a class, the likeliest first."""
    rows = "".join(
        f'<div class="bl-bar"><span>{escape(score.label)}</span><span>{score.confidence:.1%}</span>'
        f'<div><i style="width:{max(score.confidence, 0.004):.2%}"></i></div></div>'
        for score in scores
    )
    return f'<div class="bl-bars">{rows}</div>'


def gallery(cards: Iterable[tuple[Item, Pictures]]) -> str:
    """A grid of items, as many columns as fit."""
    return f'<div class="bl-gallery">{"".join(_card(item, pictures) for item, pictures in cards)}</div>'


def facts(pairs: dict[str, str]) -> str:
    """Small print: what the answer was made with."""
    return (
        '<dl class="bl-facts">'
        + "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs.items())
        + "</dl>"
    )


def lead(heading: str, text: str = "") -> str:
    """A view's name, and what it is for."""
    return f'<div class="bl-lead"><h1>{escape(heading)}</h1><p>{escape(text)}</p></div>'


def hints(*, most_mb: int) -> str:
    """What an empty drop zone is good for."""
    told = {
        "One image": "Class, confidence and the runners-up at once, with the heatmap beside the image.",
        "Many, or a ZIP": "A job with live progress, then a gallery, a table and one archive to download.",
        "What fits": f"JPEG, PNG, WebP, GIF and BMP, as large as the server takes them; up to {most_mb} MB a file. "
        "Larger ZIPs go with the command batchlight submit.",
    }
    sections = "".join(f"<section><b>{escape(name)}</b><p>{escape(text)}</p></section>" for name, text in told.items())
    return f'<div class="bl-hints">{sections}</div>'


def nothing(heading: str, text: str) -> str:
    """Where a list will be."""
    return f'<div class="bl-empty"><b>{escape(heading)}</b><p>{escape(text)}</p></div>'


def title(text: str) -> str:
    return f'<h1 class="bl-title">{escape(text)}</h1>'


def row_title(text: str) -> str:
    return f'<div class="bl-row-title">{escape(text)}</div>'


def tally(counts: dict[str, int]) -> str:
    """Counters side by side."""
    cells = "".join(
        f'<div class="bl-count-{escape(name.lower())}{" bl-zero" * (not count)}"><b>{count:,}</b>{escape(name)}</div>'
        for name, count in counts.items()
    )
    return f'<div class="bl-tally">{cells}</div>'


def download_link(address: str, words: str) -> str:
    """A link that looks like the page's main button; the browser does the download."""
    return f'<a class="bl-download" href="{escape(address)}" download>{escape(words)}</a>'


def _card(item: Item, pictures: Pictures) -> str:
    name = escape(item.name)
    if item.error:
        reason = escape(image_failure(item.error.code, item.error.message))
        return (
            f'<article class="bl-card bl-failed"><div class="bl-reason">{reason}</div>'
            f'<footer><b>Failed</b><small title="{name}">{name}</small></footer></article>'
        )
    confidence = item.confidence or 0.0
    return (
        f'<article class="bl-card"><div class="bl-thumbs">{_thumb(pictures.image, "image")}'
        f"{_thumb(pictures.overlay, 'overlay')}</div>"
        f"<footer><b>{escape(item.label or '')}</b><em>{confidence:.0%}</em>"
        f'<small title="{name}">{name}</small>{_score(item.faithfulness)}</footer>'
        f'<i class="bl-line" style="width:{confidence:.1%}"></i></article>'
    )


def _score(score: float | None) -> str:
    if score is None:
        return ""
    return f'<small title="{faithfulness(score)} {MEASURED}">Faithfulness {score:+.2f}</small>'


def _figure(uri: str | None, caption: str, name: str) -> str:
    return f"<figure>{_thumb(uri, f'{caption}: {name}')}<figcaption>{caption}</figcaption></figure>"


def _thumb(uri: str | None, alt: str) -> str:
    if uri is None:
        return '<div class="bl-blank">No preview</div>'
    return f'<img src="{uri}" alt="{escape(alt)}">'

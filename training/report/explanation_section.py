"""What the report says of a model's explanations: are they about what the model looks at?"""

from collections.abc import Iterator
from typing import NotRequired, TypedDict

from training.findings import Data, Model
from training.report.blocks import Block, Chart, Paragraph, Section, Table, listed
from training.report.drawing import BLUE, GREEN, INK, MUTED, ORANGE, Colour, canvas, only_grid

SERVED, RANDOM, CENTRE = "grad-cam", "random", "centre"
BASELINES = (RANDOM, CENTRE)


class Method(TypedDict):
    """One method's means over the images; `low` and `high` are the ends of the 95 % interval of the score."""

    insertion: float
    deletion: float
    score: float
    low: float
    high: float
    images: int
    ms: float


class Road(TypedDict):
    """Accuracy after the most important share of the pixels was removed and filled in from around them, by method."""

    shares: list[float]
    accuracy: dict[str, list[float]]


class Sanity(TypedDict):
    """How like the first maps are to those of a model whose layers are random from the end up to each of these."""

    layers: list[str]
    similarity: list[float]


class ExplanationFindings(TypedDict):
    """`explanations.json`, by `python -m training.explain`."""

    command: str
    model: Model
    data: Data
    methods: dict[str, Method]
    road: NotRequired[Road]
    sanity: NotRequired[Sanity]


def explanation_section(found: ExplanationFindings) -> Section:
    """Faithfulness of every method beside the baselines, ROAD, and the sanity curve."""
    return Section("explanations", "Explanations", tuple(_blocks(found)), found["command"])


def _blocks(found: ExplanationFindings) -> Iterator[Block]:
    methods = found["methods"]
    yield Paragraph(
        "An explanation is faithful when it names the pixels that the answer rests on. Deletion takes them away, the "
        "most important first, and the probability of the predicted class should fall at once; insertion brings them "
        "back, and it should rise at once. The score is the area under insertion less that under deletion, from −1 to "
        f"1; removed pixels get the image's mean colour. Measured on {found['data']['images']:,} "
        f"{found['data']['split']} images."
    )
    yield Chart("faithfulness", _scores(methods), _verdict(methods))
    rows = tuple(
        (
            name,
            f"{one['insertion']:.3f}",
            f"{one['deletion']:.3f}",
            f"{one['score']:.3f} ± {(one['high'] - one['low']) / 2:.3f}",
            f"{one['ms']:.2f}",
        )
        for name, one in sorted(methods.items(), key=lambda item: -item[1]["score"])
    )
    head = ("method", "insertion", "deletion", "score", "ms an image")
    yield Table(
        head,
        rows,
        TABLE_CAPTION,
    )
    if road := found.get("road"):
        yield Chart("road", _road(road), ROAD_CAPTION)
    if sanity := found.get("sanity"):
        yield Chart("sanity", _sanity(sanity), SANITY_CAPTION)


TABLE_CAPTION = (
    "All methods, the most faithful first; behind the score stands half the width of its interval. For deletion, lower "
    "is better."
)
ROAD_CAPTION = (
    "ROAD (remove and debias): accuracy after the most important pixels were replaced by a blend of their "
    "neighbours. The sooner a curve falls, the better its method found what the answer rests on."
)
SANITY_CAPTION = (
    "Sanity (cascading randomisation): how like the maps stay to the first ones while the network's layers are made "
    "random, from the last to the first. A map that does not change was never about what the model has learnt."
)


def _verdict(methods: dict[str, Method]) -> str:
    """What the intervals say against the baselines."""
    ranked = sorted((name for name in methods if name not in BASELINES), key=lambda name: -methods[name]["score"])
    best = ranked[0]
    text = f"Mean score with its 95 % interval; {SERVED} (blue) is what is served. {best} is the most faithful with {methods[best]['score']:.3f}."
    if RANDOM in methods:
        beat = [name for name in ranked if methods[name]["low"] > methods[RANDOM]["high"]]
        text += f" Better than a random order beyond the intervals: {listed(beat) if beat else 'none'}."
    if CENTRE in methods:
        beat = [name for name in ranked if methods[name]["low"] > methods[CENTRE]["high"]]
        text += f" Better than a blob in the centre of the image: {listed(beat) if beat else 'none'}."
    return text


def _scores(methods: dict[str, Method]) -> str:
    ranked = sorted(methods, key=lambda name: methods[name]["score"])
    with canvas(0.6 + 0.3 * len(ranked)) as drawn:
        (axes,) = drawn.axes()
        axes.axvline(0, color=MUTED.light, linewidth=1)
        for row, name in enumerate(ranked):
            one, colour = methods[name], _colour(name)
            axes.plot([one["low"], one["high"]], [row, row], color=colour.light, linewidth=5, alpha=0.3)
            axes.plot(one["score"], row, "o", color=colour.light, markersize=6)
            axes.text(1.02, row, f"{one['score']:.3f}", va="center", transform=axes.get_yaxis_transform())
        axes.set_yticks(range(len(ranked)), ranked, color=INK.light)
        axes.set_xlabel("insertion − deletion")
        only_grid(axes, "x")
    return drawn.svg


def _road(road: Road) -> str:
    with canvas(3.4) as drawn:
        (axes,) = drawn.axes()
        ends: list[float] = []
        for name, accuracy in sorted(road["accuracy"].items(), key=lambda item: item[1][-1]):
            colour = _colour(name).light
            axes.plot(road["shares"], accuracy, "o-", color=colour, linewidth=1.5, markersize=4)
            end = max(accuracy[-1], ends[-1] + 0.06 if ends else 0.0)
            last = road["shares"][-1]
            axes.plot([last * 1.015, last * 1.05], [accuracy[-1], end], color=colour, linewidth=0.6, clip_on=False)
            axes.text(last * 1.06, end, name, color=colour, va="center", fontsize=9)
            ends.append(end)
        axes.set_xlim(right=road["shares"][-1] * 1.01)
        axes.set_xlabel("share of the pixels removed, the most important first")
        axes.set_ylabel("accuracy")
        axes.set_ylim(0, max(1.0, *ends) + 0.02)
        only_grid(axes, "y")
    return drawn.svg


def _sanity(sanity: Sanity) -> str:
    places = range(len(sanity["layers"]))
    with canvas(3.2) as drawn:
        (axes,) = drawn.axes()
        axes.axhline(0, color=MUTED.light, linewidth=1)
        axes.plot(places, sanity["similarity"], "o-", color=BLUE.light, markersize=4.5, linewidth=1.5)
        axes.set_xticks(places, sanity["layers"], rotation=40, ha="right", rotation_mode="anchor")
        axes.set_xlabel("layers made random up to here")
        axes.set_ylabel("rank correlation with the first maps")
        only_grid(axes, "y")
    return drawn.svg


def _colour(method: str) -> Colour:
    return {SERVED: BLUE, RANDOM: ORANGE, CENTRE: GREEN}.get(method, MUTED)

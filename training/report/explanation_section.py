"""What the report says of a model's explanations: do they name what the answer rests on?"""

from collections.abc import Iterator
from pathlib import Path

from training.explanation.findings import CENTER, KNOW_NOTHING, RANDOM, SERVED, ExplanationFindings, Method
from training.report import explanation_charts
from training.report.blocks import Block, Chart, Paragraph, Section, Table, Tile, listed


def explanation_section(found: ExplanationFindings, folder: Path) -> Section:
    """Pictures, faithfulness of every method beside the baselines, ROAD, and the sanity curve."""
    return Section("explanations", "Explanations", tuple(_blocks(found, folder)), found["command"])


def faithfulness_tile(found: ExplanationFindings) -> Tile:
    """The served CAM's score beside those of random maps and of a blob in the center."""
    methods = found["methods"]
    beside = ", ".join(f"{name} {methods[name]['score']:.3f}" for name in (RANDOM, CENTER))
    return Tile(f"{methods[SERVED]['score']:.3f}", "faithfulness of the CAM", beside)


def _blocks(found: ExplanationFindings, folder: Path) -> Iterator[Block]:
    methods, road, sanity = found["methods"], found["road"], found["sanity"]
    yield Paragraph(
        "An explanation is faithful when it names the pixels that the answer rests on. Deletion hides them, the most "
        "important first, and the probability of the predicted class should fall at once; insertion shows them, and it "
        "should rise at once. The score is the area under insertion less that under deletion, from −1 to 1; hidden "
        f"pixels get the image's mean color. Measured on {found['data']['images']:,} {found['data']['split']} images "
        f"of `{found['data']['source']}`, beside orders of pixels that do not ask the network: "
        f"{listed(_baselines(found))}."
    )
    if (sheet := folder / "explanations.png").is_file():
        yield Chart("explanations", explanation_charts.pictures(found, sheet), PICTURES_CAPTION)
    yield Chart("faithfulness", explanation_charts.scores(found), _verdict(methods))
    rows = tuple(
        (
            name,
            f"{one['insertion']:.3f}",
            f"{one['deletion']:.3f}",
            f"{one['score']:.3f} ± {(one['high'] - one['low']) / 2:.3f}",
            f"{one['ms']:.2f}" if one["ms"] < 10 else f"{one['ms']:,.0f}",
        )
        for name, one in sorted(methods.items(), key=lambda item: -item[1]["score"])
    )
    yield Table(("method", "insertion", "deletion", "score", "ms an image"), rows, TABLE_CAPTION)
    shares = listed([f"{100 * share:.0f}" for share in road["shares"]])
    yield Chart("road", explanation_charts.road(road), ROAD_CAPTION.format(images=road["images"], shares=shares))
    end = sanity["similarity"][-1]
    caption = SANITY_CAPTION.format(images=sanity["images"], end=end, chance=sanity["chance"])
    yield Chart("sanity", explanation_charts.sanity(sanity), caption)


PICTURES_CAPTION = (
    "Some of the images with each method's map of the predicted class, each map from its lowest value (no color) to "
    "its highest (yellow)."
)
TABLE_CAPTION = (
    "All methods, the most faithful first; behind the score stands half the width of its 95 % interval. For deletion, "
    "lower is better."
)
ROAD_CAPTION = (
    "ROAD (remove and debias): pixels are replaced by a blend of their neighbors, and accuracy is taken with {shares} "
    "% of them replaced ({images} images; shown is the mean). The wider the gap between the two orders, the better a "
    "method tells what matters from what does not."
)
SANITY_CAPTION = (
    "Sanity: how like the CAMs stay to the first ones while layers lose what they have learned, from the output down "
    "({images} images). With all of them random the correlation is {end:.2f}; that of CAMs of other images is "
    "{chance:.2f}. A map that stayed alike was never about what the model has learned."
)


def _baselines(found: ExplanationFindings) -> list[str]:
    return [name for name in KNOW_NOTHING if name in found["methods"]]


def _verdict(methods: dict[str, Method]) -> str:
    """What the paired differences say against the baselines."""
    ranked = sorted((name for name in methods if name not in KNOW_NOTHING), key=lambda name: -methods[name]["score"])
    best = ranked[0]
    over_random = [name for name in ranked if methods[name]["over_random"]["low"] > 0]
    over_center = [name for name in ranked if methods[name]["over_center"]["low"] > 0]
    served = "beats" if SERVED in over_random else "does not beat"
    return (
        f"Mean score with its 95 % interval; {SERVED} (blue) is what is served and {served} random maps. {best} is the "
        f"most faithful with {methods[best]['score']:.3f}. Image by image, with the whole interval of the difference "
        f"above 0: better than random maps are {_names(over_random)}; better than a blob in the center, "
        f"{_names(over_center)}."
    )


def _names(methods: list[str]) -> str:
    return listed(methods) if methods else "none"

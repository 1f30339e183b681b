"""The report's section on explanations."""

from collections.abc import Iterator
from pathlib import Path

from training.explanation.findings import BASELINES, CENTER, RANDOM, SERVED, ExplanationFindings, MethodFigures
from training.report import explanation_charts
from training.report.blocks import Block, Chart, Paragraph, Section, Table, Tile, listed


def explanation_section(found: ExplanationFindings, folder: Path) -> Section:
    """Return the section: overlays, faithfulness of methods and baselines, ROAD, and the sanity check."""
    return Section("explanations", "Explanations", tuple(_blocks(found, folder)), found["command"])


def faithfulness_tile(found: ExplanationFindings) -> Tile:
    """Return the tile: the served CAM's score, with those of random maps and a centered blob."""
    methods = found["methods"]
    beside = ", ".join(f"{name} {methods[name]['score']:.3f}" for name in (RANDOM, CENTER))
    return Tile(f"{methods[SERVED]['score']:.3f}", "faithfulness of the CAM", beside)


def _blocks(found: ExplanationFindings, folder: Path) -> Iterator[Block]:
    methods, road, sanity = found["methods"], found["road"], found["sanity"]
    yield Paragraph(
        "An explanation is faithful if it marks the pixels that decide the prediction. Deletion replaces them by the "
        "image's mean color, the highest ones of the map first, and the probability of the predicted class should "
        "fall early. Insertion reveals them in the same order, and it should rise early. The score is the area under "
        "insertion minus that under deletion, from −1 to 1. "
        f"It is measured on {found['data']['images']:,} {found['data']['split']} images of "
        f"`{found['data']['source']}`, and compared with baselines that do not depend on the model: "
        f"{listed(_baselines(found))}."
    )
    if (sheet := folder / "explanations.png").is_file():
        yield Chart("explanations", explanation_charts.overlays(found, sheet), OVERLAYS_CAPTION)
    yield Chart("faithfulness", explanation_charts.scores(found), _comparison(methods))
    rows = tuple(
        (
            name,
            f"{one['insertion']:.3f}",
            f"{one['deletion']:.3f}",
            f"{one['score']:.3f} ± {(one['high'] - one['low']) / 2:.3f}",
            f"{one['ms_per_image']:.2f}" if one["ms_per_image"] < 10 else f"{one['ms_per_image']:,.0f}",
        )
        for name, one in sorted(methods.items(), key=lambda item: -item[1]["score"])
    )
    yield Table(("method", "insertion", "deletion", "score", "ms per image"), rows, TABLE_CAPTION)
    fractions = listed([f"{100 * fraction:.0f}" for fraction in road["fractions"]])
    yield Chart("road", explanation_charts.road(road), ROAD_CAPTION.format(images=road["images"], fractions=fractions))
    end = sanity["rank_correlation"][-1]
    caption = SANITY_CAPTION.format(images=sanity["images"], end=end, other=sanity["other_images"])
    yield Chart("sanity", explanation_charts.sanity(sanity), caption)


OVERLAYS_CAPTION = (
    "Some images with each method's map of the predicted class. Each map runs from its lowest value (no color) to its "
    "highest (yellow)."
)
TABLE_CAPTION = (
    "All methods, the most faithful first, with half the width of the score's 95 % interval. For deletion, lower is "
    "better."
)
ROAD_CAPTION = (
    "ROAD (remove and debias): pixels are imputed from their neighbors, and the accuracy is measured with {fractions} "
    "% of them imputed ({images} images; the mean is shown). The larger the difference between the two orders, the "
    "better a method separates relevant from irrelevant pixels."
)
SANITY_CAPTION = (
    "Sanity check: rank correlation with the original CAMs while layers are randomized from the output to the input "
    "({images} images). With all layers randomized it is {end:.2f}; for CAMs of different images it is {other:.2f}. A "
    "map that stays similar does not depend on what the model has learned."
)


def _baselines(found: ExplanationFindings) -> list[str]:
    return [name for name in BASELINES if name in found["methods"]]


def _comparison(methods: dict[str, MethodFigures]) -> str:
    """Describe the ranking and the paired differences to the baselines."""
    ranked = sorted((name for name in methods if name not in BASELINES), key=lambda name: -methods[name]["score"])
    best = ranked[0]
    over_random = [name for name in ranked if methods[name]["over_random"]["low"] > 0]
    over_center = [name for name in ranked if methods[name]["over_center"]["low"] > 0]
    served = "better" if SERVED in over_random else "not better"
    return (
        f"Mean score with its 95 % interval. {SERVED} (blue) is served; it is {served} than random maps. {best} is the "
        f"most faithful method with {methods[best]['score']:.3f}. A method counts as better than a baseline if the "
        f"95 % interval of its paired difference lies above 0. Better than random maps: {_names(over_random)}. Better "
        f"than a centered blob: {_names(over_center)}."
    )


def _names(methods: list[str]) -> str:
    return listed(methods) if methods else "none"

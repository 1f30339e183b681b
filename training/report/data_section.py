"""What the report says of the data."""

from pathlib import Path

from training.findings import Duplicates, ExplorationFindings
from training.report import data_charts
from training.report.blocks import Block, Chart, Paragraph, Section, Table, listed, percent

TITLE, ANCHOR = "The data", "data"


def data_section(found: ExplorationFindings, folder: Path) -> Section:
    """The images by class and split, their pixels, doubles, and what serving makes of them."""
    return Section(
        ANCHOR,
        TITLE,
        (
            Paragraph(_overview(found)),
            Chart("samples", data_charts.sample_grid(found, folder / "samples.png"), SAMPLES_CAPTION),
            Chart("class-balance", data_charts.class_balance(found), _balance(found)),
            Chart("mean-images", data_charts.mean_grid(found, folder / "means.png"), MEANS_CAPTION),
            Chart("brightness", data_charts.brightness(found), _brightness(found)),
            *_enlargement(found, folder),
            _duplicates(found),
            Chart("nearest-pairs", data_charts.nearest_pairs(found, folder / "nearest.png"), _nearest(found)),
        ),
        found["command"],
    )


SAMPLES_CAPTION = "Training images of every class, drawn by the seed: what the classes look like, and how they vary."
MEANS_CAPTION = (
    "The mean training image of every class. A sharp mean tells that the class has one shape and one place; classes "
    "whose means look alike are easily taken for each other."
)


def _overview(found: ExplorationFindings) -> str:
    splits = listed([f"{split['images']:,} for {split['split']}" for split in found["splits"]])
    skipped = f" {len(found['skipped'])} files could not be read and were skipped." if found["skipped"] else ""
    unread = "" if any(split["split"] == "test" for split in found["splits"]) else " The test images were left unread."
    return (
        f"`{found['data']['source']}` has {len(found['labels'])} classes: {splits}. The validation images are held out "
        f"of the training images, class by class; no model is trained on them.{skipped}{unread}"
    )


def _balance(found: ExplorationFindings) -> str:
    training = found["splits"][0]["counts"]
    if min(training) == max(training):
        return (
            f"Images per class. All classes are of one size ({training[0]:,} training images each), so accuracy is a "
            f"fair figure: always guessing one class would be right for {percent(1 / len(training))}."
        )
    rarest, commonest = (found["labels"][training.index(one(training))] for one in (min, max))
    return (
        f"Images per class. {commonest} has {max(training) / max(min(training), 1):.1f} times the training images of "
        f"{rarest}: read F1 by class beside accuracy."
    )


def _brightness(found: ExplorationFindings) -> str:
    mean = found["splits"][0]["mean"]
    dark, light = (found["labels"][mean.index(one(mean))] for one in (min, max))
    return (
        f"How the pixels of each class are spread over brightness, the darkest eight levels left out and told at the "
        f"right. {dark} is darkest (mean {min(mean):.0f} of 255), {light} lightest ({max(mean):.0f})."
    )


def _enlargement(found: ExplorationFindings, folder: Path) -> list[Block]:
    changed = found["enlargement"]
    if changed["from_height"] == changed["from_width"] == changed["to_side"]:
        return [
            Paragraph(
                f"The files were read as serving reads them, RGB at {changed['to_side']}×{changed['to_side']} pixels; "
                f"{percent(changed['gray_share'])} of a sample of {changed['images']:,} are gray."
            )
        ]
    rows = (
        ("mean level", f"{changed['mean_before']:.1f}", f"{changed['mean_after']:.1f}"),
        ("deviation of the levels", f"{changed['deviation_before']:.1f}", f"{changed['deviation_after']:.1f}"),
        ("mean step between neighbors", f"{changed['step_before']:.1f}", f"{changed['step_after']:.1f}"),
        ("channels", str(changed["channels_before"]), "3 equal ones" if changed["gray_share"] == 1 else "3"),
        ("bytes an image", f"{changed['bytes_before']:,}", f"{changed['bytes_after']:,}"),
    )
    before = f"{changed['from_width']}×{changed['from_height']}"
    after = f"{changed['to_side']}×{changed['to_side']} RGB"
    chart = data_charts.enlargement(found, folder / "original.png", folder / "enlarged.png")
    return [
        Chart(
            "enlargement",
            chart,
            f"Before and after serving's bilinear stretch. Nothing is added: edges become ramps "
            f"{changed['to_side'] / changed['from_width']:.1f} times as long, and a gray picture is copied into three "
            f"equal channels, as the network expects.",
        ),
        Table(("levels of 255", before, after), rows, f"What the stretch changes, over {changed['images']:,} images."),
    ]


def _duplicates(found: ExplorationFindings) -> Table:
    rows = tuple((_where(pair), f"{pair['images']:,}", f"{pair['conflicts']:,}") for pair in found["duplicates"])
    return Table(
        ("where", "exact doubles", "of another class"),
        rows,
        "Images that have exactly the pixels of another one. Across splits they would flatter the model, because it "
        "has seen the answer.",
    )


def _where(pair: Duplicates) -> str:
    first, second = pair["first"], pair["second"]
    return f"within {first}" if first == second else f"{first} and {second}"


def _nearest(found: ExplorationFindings) -> str:
    near = found["near"]
    within = listed([f"{count:,} within {distance}" for distance, count in near["within"].items()])
    return (
        f"The closest pairs between {near['images']:,} {near['split']} images (above) and all training images (below), "
        f"with the root-mean-square difference in levels of 255. Near doubles are those that look the same: {within}; "
        f"the median image is {near['median']:.0f} levels away from its nearest."
    )

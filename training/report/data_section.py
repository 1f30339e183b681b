"""The report's section on the data set."""

from pathlib import Path

from training.findings import Duplicates, ExplorationFindings
from training.report import data_charts
from training.report.blocks import Block, Chart, Paragraph, Section, Table, listed, percent

TITLE, ANCHOR = "The data", "data"


def data_section(found: ExplorationFindings, folder: Path) -> Section:
    """Return the section: images by class and split, their pixels, duplicates, and how they change for the network."""
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


SAMPLES_CAPTION = "Random training images of every class."
MEANS_CAPTION = (
    "The mean training image of every class. A sharp mean shows that the images of the class have one shape and one "
    "position. Classes with similar means are easily confused."
)


def _overview(found: ExplorationFindings) -> str:
    splits = listed([f"{split['images']:,} for {split['split']}" for split in found["splits"]])
    skipped = f" {len(found['skipped'])} files could not be read and were skipped." if found["skipped"] else ""
    unread = "" if any(split["split"] == "test" for split in found["splits"]) else " The test images were not read."
    return (
        f"`{found['data']['source']}` has {len(found['labels'])} classes: {splits}. The validation images are held out "
        f"by class; no model is trained on them.{skipped}{unread}"
    )


def _balance(found: ExplorationFindings) -> str:
    training = found["splits"][0]["counts"]
    if min(training) == max(training):
        return (
            f"Images per class. All classes have the same size ({training[0]:,} training images each), so accuracy is "
            f"meaningful: a classifier that always predicts one class reaches {percent(1 / len(training))}."
        )
    rarest, commonest = (found["labels"][training.index(one(training))] for one in (min, max))
    return (
        f"Images per class. {commonest} has {max(training) / max(min(training), 1):.1f} times the training images of "
        f"{rarest}: look at F1 by class, not at accuracy alone."
    )


def _brightness(found: ExplorationFindings) -> str:
    mean = found["splits"][0]["mean"]
    dark, light = (found["labels"][mean.index(one(mean))] for one in (min, max))
    return (
        f"Distribution of the pixels' gray levels by class. The darkest eight levels are given as a number at the "
        f"right. {dark} is the darkest class (mean {min(mean):.0f} of 255), {light} the lightest ({max(mean):.0f})."
    )


def _enlargement(found: ExplorationFindings, folder: Path) -> list[Block]:
    changed = found["enlargement"]
    if changed["from_height"] == changed["from_width"] == changed["to_side"]:
        return [
            Paragraph(
                f"The files were decoded as in serving, RGB at {changed['to_side']}×{changed['to_side']} pixels; "
                f"{percent(changed['gray_fraction'])} of a sample of {changed['images']:,} are gray."
            )
        ]
    rows = (
        ("mean level", f"{changed['mean_before']:.1f}", f"{changed['mean_after']:.1f}"),
        ("standard deviation", f"{changed['deviation_before']:.1f}", f"{changed['deviation_after']:.1f}"),
        (
            "mean difference of neighboring pixels",
            f"{changed['neighbor_difference_before']:.1f}",
            f"{changed['neighbor_difference_after']:.1f}",
        ),
        ("channels", str(changed["channels_before"]), "3 (equal)" if changed["gray_fraction"] == 1 else "3"),
        ("bytes per image", f"{changed['bytes_before']:,}", f"{changed['bytes_after']:,}"),
    )
    before = f"{changed['from_width']}×{changed['from_height']}"
    after = f"{changed['to_side']}×{changed['to_side']} RGB"
    chart = data_charts.enlargement(found, folder / "original.png", folder / "enlarged.png")
    return [
        Chart(
            "enlargement",
            chart,
            f"Before and after the bilinear stretch of serving. Edges become "
            f"{changed['to_side'] / changed['from_width']:.1f} times as wide, and a gray image is copied into three "
            f"equal channels.",
        ),
        Table(("levels of 255", before, after), rows, f"Effect of the stretch on {changed['images']:,} images."),
    ]


def _duplicates(found: ExplorationFindings) -> Table:
    rows = tuple((_splits(pair), f"{pair['images']:,}", f"{pair['label_conflicts']:,}") for pair in found["duplicates"])
    return Table(
        ("splits", "exact duplicates", "with another label"),
        rows,
        "Images with exactly the pixels of another image. Duplicates across splits raise the measured accuracy, "
        "because the model was trained on the same image.",
    )


def _splits(pair: Duplicates) -> str:
    first, second = pair["first"], pair["second"]
    return f"within {first}" if first == second else f"{first} and {second}"


def _nearest(found: ExplorationFindings) -> str:
    near = found["near_duplicates"]
    within = listed([f"{count:,} within {distance}" for distance, count in near["within"].items()])
    return (
        f"The closest pairs between {near['images']:,} {near['split']} images (above) and all training images (below), "
        f"with their root-mean-square difference in levels of 255. Images by distance to the nearest training image: "
        f"{within}; the median is {near['median']:.0f}."
    )

"""What the report says of a model's answers: accuracy, calibration, robustness, mistakes; and their cost."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from training.findings import EvaluationFindings, Judgement
from training.report import quality_charts
from training.report.blocks import Block, Chart, Paragraph, Section, Table, percent


def quality_sections(found: EvaluationFindings, folder: Path) -> Iterator[Section]:
    """How right, how sure, how sturdy, and what goes wrong; charts are of the first precision, tables of all."""
    main = next(iter(found["precisions"]))
    judged, labels, command = found["precisions"][main], found["labels"], found["command"]
    damage, wrong = folder / "damaged.png", folder / f"mistakes-{main}.png"
    yield Section("accuracy", "Accuracy", tuple(_accuracy(found, main)), command)
    yield Section(
        "calibration",
        "Calibration",
        (Chart("reliability", quality_charts.reliability(judged), _reliability(found, judged)), _temperatures(found)),
        command,
    )
    yield Section(
        "robustness",
        "Robustness",
        (
            Chart("robustness", quality_charts.robustness(judged), _robustness(judged)),
            Chart("damaged", quality_charts.damaged_pictures(judged, damage), DAMAGED_CAPTION),
        ),
        command,
    )
    if judged["mistakes"]:
        pairs, surest = quality_charts.confused_pairs(judged, labels), quality_charts.mistakes(judged, wrong)
        yield Section(
            "mistakes",
            "What is taken for what",
            (Chart("confused", pairs, _confused(judged, labels)), Chart("mistakes", surest, _mistakes(judged))),
            command,
        )


def cost_section(found: EvaluationFindings) -> Section:
    """What every precision costs to serve."""
    return Section("cost", "Cost", (_cost(found),), found["command"])


DAMAGED_CAPTION = (
    "One image under every damage, and the accuracy over all sampled images under it. The damage is done to the image "
    "in its own size, before it is stretched for the network."
)


def where(found: EvaluationFindings) -> str:
    """Which images were classified, for the end of a sentence."""
    data = found["data"]
    return f"{data['images']:,} {data['split']} images of `{data['source']}`"


def _accuracy(found: EvaluationFindings, main: str) -> Iterator[Block]:
    judged = found["precisions"][main]
    hardest = min(judged["classes"], key=lambda one: one["f1"])
    yield Paragraph(
        f"Of the {where(found)}, {percent(judged['accuracy'], 2)} are classified right (95 % interval by 1,000 "
        f"bootstrap samples: {percent(judged['low'])} to {percent(judged['high'])}); the true class is among the two "
        f"likeliest for {percent(judged['top_2'], 2)}. Every image went through the decoder and the graph that serve."
        + (VALIDATION_NOTE if found["data"]["split"] == "validation" else "")
    )
    rows = tuple(
        (
            name,
            percent(one["accuracy"], 2),
            f"{percent(one['low'])} to {percent(one['high'])}",
            percent(one["top_2"], 2),
            f"{one['macro_f1']:.4f}",
        )
        for name, one in found["precisions"].items()
    )
    yield Table(("precision", "accuracy", "95 % interval", "top 2", "macro F1"), rows, "Accuracy of every precision.")
    yield Chart(
        "f1",
        quality_charts.f1_by_class(judged),
        f"Precision, recall and F1 by class ({main}), the hardest at the top: {hardest['label']}, F1 "
        f"{hardest['f1']:.3f} ({hardest['low']:.3f} to {hardest['high']:.3f}).",
    )
    yield Chart("confusion", quality_charts.confusion(judged, found["labels"]), CONFUSION_CAPTION.format(main))


VALIDATION_NOTE = (
    " These are validation images: the epoch was chosen and the temperature fitted on them, so the figures flatter."
)
CONFUSION_CAPTION = (
    "Confusion matrix ({}): images by true class (rows) and prediction (columns), shaded by their share of the row. "
    "What lies off the diagonal are mistakes."
)


def _reliability(found: EvaluationFindings, judged: Judgement) -> str:
    before, after = judged["before"]["error"], judged["after"]["error"]
    change = "lowers" if after < before else "does not lower"
    return (
        f"Accuracy of the images in each of {len(judged['after']['bins'])} ranges of confidence, and how many there "
        f"are; ranges of fewer than {quality_charts.LEAST_IN_BIN} are only counted. On the dashed line "
        f"a confidence of 80 % is right 80 times in 100. Dividing the logits by {judged['after']['temperature']} "
        f"{change} the expected calibration error here: {before:.4f} before, "
        f"{after:.4f} after, on {where(found)}."
    )


def _temperatures(found: EvaluationFindings) -> Table:
    rows = tuple(
        (
            name,
            str(one["after"]["temperature"]),
            f"{one['before']['error']:.4f} → {one['after']['error']:.4f}",
            f"{one['before']['log_loss']:.4f} → {one['after']['log_loss']:.4f}",
        )
        for name, one in found["precisions"].items()
    )
    return Table(
        ("precision", "temperature", "calibration error", "log loss"),
        rows,
        "The softmax temperature was fitted on validation images and lies inside the serving graph; the figures before "
        "it are recomputed from the graph's probabilities.",
    )


def _robustness(judged: Judgement) -> str:
    mildest = [next(rows) for _, rows in groupby(judged["robustness"], key=lambda row: row["corruption"])]
    worst = min(mildest, key=lambda row: row["accuracy"])
    hardest = min(judged["robustness"], key=lambda row: row["accuracy"])
    return (
        f"Accuracy on {judged['robustness_images']:,} sampled images under damage, with 95 % intervals; undamaged "
        f"(dashed) it is {percent(judged['undamaged'])}. Noise is the deviation in levels of 255, blur and shift are "
        f"in percent of the image's side, JPEG is the quality. Already at its mildest, {worst['corruption']} "
        f"({worst['amount']}) leaves {percent(worst['accuracy'])}; {hardest['corruption']} ({hardest['amount']}) "
        f"leaves {percent(hardest['accuracy'])}."
    )


def _confused(judged: Judgement, labels: list[str]) -> str:
    pairs = quality_charts.most_confused(judged, labels)
    truth, taken, count = pairs[0]
    wrong = sum(count for *_, count in pairs)
    return (
        f"The most frequent of {wrong:,} mistakes. {truth} taken for {taken} leads with {count}, "
        f"{percent(count / wrong, 0)} of all."
    )


def _mistakes(judged: Judgement) -> str:
    return (
        f"The {len(judged['mistakes'])} surest mistakes: the true class, what the image was taken for, and the "
        "confidence. Where a person would decide as the model did, it is the label that may be doubted."
    )


def _cost(found: EvaluationFindings) -> Table:
    rows = tuple(
        (
            name,
            f"{one['cost']['images_per_s']:,.0f}",
            f"{one['cost']['single_ms']:.2f}",
            f"{one['cost']['graph_mb']:.1f}",
            f"{one['cost']['artifact_mb']:.1f}",
        )
        for name, one in found["precisions"].items()
    )
    cost = next(iter(found["precisions"].values()))["cost"]
    return Table(
        ("precision", "images/s", "ms alone", "graph, MB", "artifact, MB"),
        rows,
        f"Classifying with the CAM of every image, decoding left out: ONNX Runtime, {cost['threads']} threads of "
        f"{cost['cpu']}, batches of {cost['batch_size']}, the median of 40; then an image on its own.",
    )

"""The report's sections on classification: accuracy, calibration, robustness, mistakes and cost."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from training.findings import EvaluationFindings, PrecisionEvaluation
from training.report import quality_charts
from training.report.blocks import Block, Chart, Paragraph, Section, Table, percent


def quality_sections(found: EvaluationFindings, folder: Path) -> Iterator[Section]:
    """Yield the sections except cost; charts show the first precision, tables all precisions."""
    main = next(iter(found["precisions"]))
    evaluation, labels, command = found["precisions"][main], found["labels"], found["command"]
    corrupted_sheet, mistakes_sheet = folder / "corrupted.png", folder / f"mistakes-{main}.png"
    yield Section("accuracy", "Accuracy", tuple(_accuracy(found, main)), command)
    yield Section(
        "calibration",
        "Calibration",
        (
            Chart("reliability", quality_charts.reliability(evaluation), _reliability(found, evaluation)),
            _temperatures(found),
        ),
        command,
    )
    yield Section(
        "robustness",
        "Robustness",
        (
            Chart("robustness", quality_charts.robustness(evaluation), _robustness(evaluation)),
            Chart("corruptions", quality_charts.corrupted_images(evaluation, corrupted_sheet), CORRUPTIONS_CAPTION),
        ),
        command,
    )
    if evaluation["mistakes"]:
        pairs = quality_charts.confused_pairs(evaluation, labels)
        mistakes = quality_charts.mistakes(evaluation, mistakes_sheet)
        yield Section(
            "mistakes",
            "Mistakes",
            (
                Chart("confused", pairs, _confused(evaluation, labels)),
                Chart("mistakes", mistakes, _mistakes(evaluation)),
            ),
            command,
        )


def cost_section(found: EvaluationFindings) -> Section:
    """Return the section on the cost of serving every precision."""
    return Section("cost", "Cost", (_cost(found),), found["command"])


CORRUPTIONS_CAPTION = (
    "One image under every corruption, with the accuracy on all sampled images under that corruption. The image is "
    "corrupted at its original size, before it is stretched for the network."
)


def evaluation_images(found: EvaluationFindings) -> str:
    """Return a phrase that names the images, such as 10,000 test images of `fashion-mnist`."""
    data = found["data"]
    return f"{data['images']:,} {data['split']} images of `{data['source']}`"


def _accuracy(found: EvaluationFindings, main: str) -> Iterator[Block]:
    evaluation = found["precisions"][main]
    hardest = min(evaluation["classes"], key=lambda one: one["f1"])
    yield Paragraph(
        f"Of the {evaluation_images(found)}, {percent(evaluation['accuracy'], 2)} are classified correctly (95 % "
        f"interval by the percentile bootstrap with 1,000 resamples: {percent(evaluation['low'])} to "
        f"{percent(evaluation['high'])}). The true class is among the two most probable ones for "
        f"{percent(evaluation['top_2_accuracy'], 2)}. Images were decoded and classified exactly as in serving."
        + (VALIDATION_NOTE if found["data"]["split"] == "validation" else "")
    )
    rows = tuple(
        (
            name,
            percent(one["accuracy"], 2),
            f"{percent(one['low'])} to {percent(one['high'])}",
            percent(one["top_2_accuracy"], 2),
            f"{one['macro_f1']:.4f}",
        )
        for name, one in found["precisions"].items()
    )
    yield Table(("precision", "accuracy", "95 % interval", "top 2", "macro F1"), rows, "Accuracy of every precision.")
    yield Chart(
        "f1",
        quality_charts.f1_by_class(evaluation),
        f"Precision, recall and F1 by class ({main}), the lowest F1 at the top: {hardest['label']}, F1 "
        f"{hardest['f1']:.3f} ({hardest['low']:.3f} to {hardest['high']:.3f}).",
    )
    yield Chart("confusion", quality_charts.confusion(evaluation, found["labels"]), CONFUSION_CAPTION.format(main))


VALIDATION_NOTE = (
    " These are validation images, on which the epoch was chosen and the temperature fitted; expect lower values on "
    "test images."
)
CONFUSION_CAPTION = (
    "Confusion matrix ({}): images by true class (rows) and prediction (columns), shaded by their fraction of the row. "
    "Cells off the diagonal are mistakes."
)


def _reliability(found: EvaluationFindings, evaluation: PrecisionEvaluation) -> str:
    uncalibrated, calibrated = evaluation["uncalibrated"], evaluation["calibrated"]
    before, after = uncalibrated["calibration_error"], calibrated["calibration_error"]
    change = "lowers" if after < before else "does not lower"
    return (
        f"Accuracy of the images in each of {len(calibrated['bins'])} bins of confidence, and the number of images; "
        f"accuracy is shown for bins of at least {quality_charts.MIN_IMAGES_IN_BIN} images. On the dashed line, "
        f"predictions with a confidence of 80 % are correct in 80 of 100 cases. Dividing the logits by "
        f"{calibrated['temperature']} {change} the expected calibration error: {before:.4f} before, {after:.4f} after, "
        f"on {evaluation_images(found)}."
    )


def _temperatures(found: EvaluationFindings) -> Table:
    rows = tuple(
        (
            name,
            str(one["calibrated"]["temperature"]),
            f"{one['uncalibrated']['calibration_error']:.4f} → {one['calibrated']['calibration_error']:.4f}",
            f"{one['uncalibrated']['log_loss']:.4f} → {one['calibrated']['log_loss']:.4f}",
        )
        for name, one in found["precisions"].items()
    )
    return Table(
        ("precision", "temperature", "calibration error", "log loss"),
        rows,
        "The softmax temperature was fitted on validation images and is part of the serving graph. The values before "
        "scaling are recomputed from the graph's probabilities.",
    )


def _robustness(evaluation: PrecisionEvaluation) -> str:
    mildest = [next(rows) for _, rows in groupby(evaluation["robustness"], key=lambda row: row["corruption"])]
    worst = min(mildest, key=lambda row: row["accuracy"])
    hardest = min(evaluation["robustness"], key=lambda row: row["accuracy"])
    return (
        f"Accuracy on {evaluation['robustness_images']:,} sampled images under corruption, with 95 % intervals; "
        f"without corruption (dashed) it is {percent(evaluation['clean_accuracy'])}. Noise is given as its standard "
        "deviation in levels of 255, blur and shift in percent of the image's side, JPEG by its quality. At the lowest "
        f"severity, {worst['corruption']} ({worst['amount']}) has the lowest accuracy, "
        f"{percent(worst['accuracy'])}; over all "
        f"severities it is {hardest['corruption']} ({hardest['amount']}) with {percent(hardest['accuracy'])}."
    )


def _confused(evaluation: PrecisionEvaluation, labels: list[str]) -> str:
    pairs = quality_charts.most_confused(evaluation, labels)
    true_class, predicted_class, count = pairs[0]
    wrong = sum(count for *_, count in pairs)
    return (
        f"The most frequent of {wrong:,} mistakes. {true_class} classified as {predicted_class} is the most frequent "
        f"with {count} images, {percent(count / wrong, 0)} of all mistakes."
    )


def _mistakes(evaluation: PrecisionEvaluation) -> str:
    return (
        f"The {len(evaluation['mistakes'])} most confident mistakes, with true class, predicted class and confidence. "
        "If a person would predict the same as the model, the label may be wrong."
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
        ("precision", "images/s", "ms for one image", "graph, MB", "all files, MB"),
        rows,
        f"Classification with the CAM of every image, without decoding: ONNX Runtime, {cost['threads']} threads of "
        f"{cost['cpu']}, batches of {cost['batch_size']}, and batches of one image; medians of 40.",
    )

"""Evaluate an artifact on labeled images: `python -m training evaluate ARTIFACT --out FOLDER`.

The command reads the same graph and manifest as a worker, and decodes every image with the decoder of serving.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from model.arrays import Images
from model.artifact import Artifact, ArtifactError
from model.engines.interface import EngineUnavailable
from model.engines.load import load_engine
from training.data.dataset import Dataset, EvaluationSplit, describe, public_source
from training.data.examples import DatasetError, Examples
from training.data.serving import decode_as_served
from training.evaluation.arguments import add_evaluation_arguments, at_least, read_evaluation_arguments
from training.evaluation.classifier import evaluate_classifier
from training.evaluation.corruption import corrupt, corruptions
from training.evaluation.cost import measure_cost
from training.evaluation.metrics import ClassificationMetrics, Floats, classification_metrics
from training.findings import EVALUATION, EvaluationFindings, Model, PrecisionEvaluation, save
from training.sheet import write_sheet

THREADS, BATCH_SIZE = 2, 16
MISTAKES_COLUMNS = 8
DEFAULT_ROBUSTNESS_IMAGES = 2000


def artifact_metrics(
    artifact: Artifact, examples: Examples, *, precision: str = "fp32", threads: int = 2
) -> ClassificationMetrics:
    """Classify the examples with one of the artifact's ONNX graphs and return the metrics."""
    engine = load_engine(artifact, engine="onnx", precision=precision, threads=threads)
    pixels = decode_as_served(examples.images, artifact.manifest.input)
    return classification_metrics(engine.infer(pixels).probabilities, examples.labels)


def metrics_table(metrics: ClassificationMetrics, labels: tuple[str, ...]) -> str:
    """Return the metrics as Markdown: the summary, then a table with one class per row."""
    rows = [
        f"| {label} | {precision:.3f} | {recall:.3f} | {f1:.3f} |"
        for label, precision, recall, f1 in zip(labels, metrics.precision, metrics.recall, metrics.f1, strict=True)
    ]
    head = ["| class | precision | recall | F1 |", "| --- | --- | --- | --- |"]
    summary = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in metrics.summary().items())
    return "\n".join([summary, "", *head, *rows])


def evaluate_precision(
    artifact: Artifact, precision: str, examples: Examples, *, robustness_images: int
) -> PrecisionEvaluation:
    """Evaluate one of the artifact's graphs on the examples; see `evaluate_classifier`."""
    manifest = artifact.manifest
    engine = load_engine(artifact, precision=precision, engine="onnx", threads=THREADS, batch_size=BATCH_SIZE)

    def classify(images: Images) -> Floats:
        return engine.infer(decode_as_served(images, manifest.input)).probabilities

    return evaluate_classifier(
        classify,
        examples,
        labels=manifest.labels,
        temperature=manifest.precisions[precision].temperature,
        robustness_images=robustness_images,
        cost=measure_cost(engine, artifact, precision=precision, threads=THREADS, batch_size=BATCH_SIZE),
    )


def write_evaluation(
    artifact: Artifact,
    dataset: Dataset,
    *,
    split: EvaluationSplit,
    precisions: Iterable[str],
    robustness_images: int,
    out: Path,
) -> Path:
    """Evaluate the artifact in these precisions; save `evaluation.json` and its contact sheets in the folder `out`.

    Returns:
        The path of `evaluation.json`.
    """
    manifest, examples = artifact.manifest, dataset.examples
    evaluations = {
        name: evaluate_precision(artifact, name, examples, robustness_images=robustness_images) for name in precisions
    }
    findings = EvaluationFindings(
        command=f"python -m training evaluate artifacts/{manifest.name}/{manifest.version}"
        f" --data {public_source(dataset.source)} --split {split}"
        f" --robustness-images {robustness_images} --out reports/{manifest.name}/{manifest.version}",
        model=Model(name=manifest.name, version=manifest.version),
        data=describe(dataset, split),
        labels=list(manifest.labels),
        precisions=evaluations,
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, evaluation in evaluations.items():
        if wrong := [mistake["index"] for mistake in evaluation["mistakes"]]:
            write_sheet(examples.images[wrong], out / f"mistakes-{name}.png", columns=MISTAKES_COLUMNS)
    write_sheet(corrupted_copies(examples.images[0]), out / "corrupted.png", columns=1 + len(list(corruptions())))
    return save(out, EVALUATION, findings)


def corrupted_copies(image: Images) -> Images:
    """Return the image `[h, w(, 3)]`, then a copy under every corruption, `[1 + corruptions, h, w(, 3)]`."""
    return np.concatenate([image[None], *(corrupt(image[None], corruption) for corruption in corruptions())])


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training evaluate` with these arguments."""
    parser = argparse.ArgumentParser(prog="python -m training evaluate", description="Evaluate an artifact.")
    add_evaluation_arguments(parser)
    parser.add_argument("--precision", action="append", help="a precision to evaluate; default: all of the artifact's")
    parser.add_argument(
        "--robustness-images",
        type=at_least(2),
        default=DEFAULT_ROBUSTNESS_IMAGES,
        help="images that are corrupted (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, help="folder for evaluation.json and its pictures; default: print a table")
    args = parser.parse_args(argv)
    try:
        artifact, dataset = read_evaluation_arguments(args)
        if args.out:
            written = write_evaluation(
                artifact,
                dataset,
                split=args.split,
                precisions=args.precision or list(artifact.manifest.precisions),
                robustness_images=args.robustness_images,
                out=args.out,
            )
            sys.stdout.write(f"{written}\n")
            return
        metrics = artifact_metrics(artifact, dataset.examples)
    except (ArtifactError, DatasetError, EngineUnavailable, OSError) as error:
        parser.exit(1, f"{error}\n")
    table = metrics_table(metrics, artifact.manifest.labels)
    sys.stdout.write(f"{table}\n\nconfusion matrix, one row per true class:\n{metrics.confusion}\n")

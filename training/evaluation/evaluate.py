"""Evaluate an artifact on images it has not seen: `python -m training.evaluation.evaluate ARTIFACT --out FOLDER`.

Reads what serving reads, the graph and the manifest, and sends every image through the serving decoder.
"""

import argparse
import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.artifact import Artifact, ArtifactError
from model.decode import decode
from model.engines.interface import EngineUnavailable, load_engine
from model.manifest import InputContract
from training.data.dataset import Dataset
from training.data.fashion_mnist import DatasetError, Examples
from training.data.options import add_measured, read_asked
from training.data.split import MeasuredSplit, describe, public_source
from training.evaluation.corruption import corrupt, damages
from training.evaluation.cost import measure_cost
from training.evaluation.measurement import judge_classifier
from training.evaluation.metrics import Evaluation, Floats, evaluate
from training.findings import EVALUATION, EvaluationFindings, Judgement, Model, save
from training.sheet import write_sheet

THREADS, BATCH_SIZE = 2, 16
MISTAKES_COLUMNS = 8


def evaluate_artifact(
    artifact: Artifact, examples: Examples, *, precision: str = "fp32", threads: int = 2
) -> Evaluation:
    """Classify the examples with one of the artifact's ONNX graphs and judge the result."""
    engine = load_engine(artifact, engine="onnx", precision=precision, threads=threads)
    pixels = as_served(examples.images, artifact.manifest.input)
    return evaluate(engine.infer(pixels).probabilities, examples.labels)


def as_served(images: NDArray[np.uint8], contract: InputContract) -> NDArray[np.uint8]:
    """Gray or RGB images as a worker would get them had they been uploaded as PNG files."""
    return np.stack([decode(_png(image), height=contract.height, width=contract.width).pixels for image in images])


def report(evaluation: Evaluation, labels: tuple[str, ...]) -> str:
    """The figures as a Markdown table, one class a row."""
    rows = [
        f"| {label} | {precision:.3f} | {recall:.3f} | {f1:.3f} |"
        for label, precision, recall, f1 in zip(
            labels, evaluation.precision, evaluation.recall, evaluation.f1, strict=True
        )
    ]
    head = ["| class | precision | recall | F1 |", "| --- | --- | --- | --- |"]
    figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in evaluation.summary().items())
    return "\n".join([f"{figures}", "", *head, *rows])


def _png(image: NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()


def judge_precision(artifact: Artifact, precision: str, examples: Examples, *, robustness_images: int) -> Judgement:
    """All that is measured of one of the artifact's graphs."""
    manifest = artifact.manifest
    engine = load_engine(artifact, precision=precision, engine="onnx", threads=THREADS, batch_size=BATCH_SIZE)

    def classify(images: NDArray[np.uint8]) -> Floats:
        return engine.infer(as_served(images, manifest.input)).probabilities

    return judge_classifier(
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
    split: MeasuredSplit,
    precisions: Iterable[str],
    robustness_images: int,
    out: Path,
) -> Path:
    """Judge the artifact in these precisions and save the findings, with the pictures of the surest mistakes."""
    manifest, examples = artifact.manifest, dataset.examples
    judged = {
        name: judge_precision(artifact, name, examples, robustness_images=robustness_images) for name in precisions
    }
    findings = EvaluationFindings(
        command=f"python -m training.evaluation.evaluate artifacts/{manifest.name}/{manifest.version}"
        f" --data {public_source(dataset.source)} --split {split}"
        f" --robustness-images {robustness_images} --out reports/{manifest.name}/{manifest.version}",
        model=Model(name=manifest.name, version=manifest.version),
        data=describe(dataset, split),
        labels=list(manifest.labels),
        precisions=judged,
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, judgement in judged.items():
        if wrong := [mistake["index"] for mistake in judgement["mistakes"]]:
            write_sheet(examples.images[wrong], out / f"mistakes-{name}.png", columns=MISTAKES_COLUMNS)
    write_sheet(damaged_copies(examples.images[0]), out / "damaged.png", columns=1 + len(list(damages())))
    return save(out, EVALUATION, findings)


def damaged_copies(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image as it is, then under every damage."""
    return np.concatenate([image[None], *(corrupt(image[None], damage) for damage in damages())])


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.evaluation.evaluate", description="Evaluate an artifact.")
    add_measured(parser)
    parser.add_argument("--precision", action="append", help="a precision to evaluate; default: all there are")
    parser.add_argument("--robustness-images", type=int, default=2000, help="sample that is damaged; default 2000")
    parser.add_argument("--out", type=Path, help="folder for evaluation.json and its pictures; default: print a table")
    args = parser.parse_args(argv)
    try:
        artifact, dataset = read_asked(args)
        if args.out:
            precisions = args.precision or list(artifact.manifest.precisions)
            written = write_evaluation(
                artifact,
                dataset,
                split=args.split,
                precisions=precisions,
                robustness_images=args.robustness_images,
                out=args.out,
            )
            sys.stdout.write(f"{written}\n")
            return
        evaluation = evaluate_artifact(artifact, dataset.examples)
    except (ArtifactError, DatasetError, EngineUnavailable, OSError) as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"{report(evaluation, artifact.manifest.labels)}\n\nrows: true class\n{evaluation.confusion}\n")


if __name__ == "__main__":
    main()

"""Evaluate an artefact on Fashion-MNIST's test images: `python -m training.evaluate ARTEFACT`.

Reads what serving reads, the graph and the manifest, and sends every image through the serving decoder.
"""

import argparse
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.artifact import Artifact, ArtifactError, read_artifact
from model.decode import decode
from model.engine import load_engine
from model.manifest import InputContract
from training.data import DatasetError, Examples, read_fashion_mnist
from training.metrics import Evaluation, evaluate


def evaluate_artifact(artifact: Artifact, examples: Examples, *, threads: int = 2) -> Evaluation:
    """Classify the examples with the artefact's ONNX graph and judge the result."""
    engine = load_engine(artifact, engine="onnx", threads=threads)
    pixels = as_served(examples.images, artifact.manifest.input)
    return evaluate(engine.infer(pixels).probabilities, examples.labels)


def as_served(images: NDArray[np.uint8], contract: InputContract) -> NDArray[np.uint8]:
    """Grey images `[N, h, w]` as a worker would get them had they been uploaded as PNG files."""
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


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description="Evaluate an artefact.")
    parser.add_argument("artifact", type=Path, help="an artefact's folder, as artifacts/fashion-mnist/1.0.0")
    parser.add_argument("--data-dir", type=Path, help="folder with the four IDX files, plain or .gz")
    args = parser.parse_args(argv)
    try:
        artifact = read_artifact(args.artifact)
        evaluation = evaluate_artifact(artifact, read_fashion_mnist("test", data_dir=args.data_dir))
    except (ArtifactError, DatasetError) as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"{report(evaluation, artifact.manifest.labels)}\n\nrows: true class\n{evaluation.confusion}\n")


if __name__ == "__main__":
    main()

"""Make an artefact of a training run and publish it: `python -m training.export`."""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from model.artifact import (
    MANIFEST,
    Artifact,
    ArtifactError,
    list_artifacts,
    point_latest,
    publish,
    read_artifact,
    sha256,
    unpublished,
)
from model.engine import load_engine
from model.head import CAM_LAYER, fold_tail, serving_model
from model.keras_engine import MODEL
from model.manifest import CamContract, InputContract, Manifest, Precision, Provenance
from model.network import build_classifier
from training.card import write_card
from training.data import LABELS, DatasetError, Examples, read_fashion_mnist, split_validation
from training.evaluate import as_served, evaluate_artifact
from training.figure import draw_confusion
from training.graph import write_onnx
from training.metrics import Evaluation, fit_temperature
from training.plan import DEFAULT_RUN, FINAL, Plan, read_plan

GRAPH, TAIL = "model.onnx", "tail.npz"
LIBRARIES = ("keras", "numpy", "onnx", "onnxruntime", "pillow", "tensorflow", "tf2onnx")
AGREEMENT = 1e-4
AGREEMENT_IMAGES = 128


class ExportError(Exception):
    """The artefact is not fit to be published."""


def export(run: Path, root: Path, *, name: str, version: str, training: Examples, test: Examples) -> Artifact:
    """Publish the run's model under `root` and point `latest` at it.

    The temperature is fitted on the validation images that the run held out; the test images only measure.
    Raises ExportError when the two engines disagree, ArtifactExists when the version is published.
    """
    unpublished(root, name, version)
    plan = read_plan(run)
    _, validation = split_validation(training, plan.validation_per_class, seed=plan.seed)
    classifier = at_size(keras.saving.load_model(run / FINAL, compile=False), plan.stages[-1].size)
    with tempfile.TemporaryDirectory() as folder:
        draft = stage(classifier, plan, validation, folder=Path(folder), name=name, version=version)
        check_agreement(draft, validation.images[:AGREEMENT_IMAGES])
        evaluation = evaluate_artifact(draft, test)
        artifact = publish(describe(draft, plan, evaluation).path, root)
    point_latest(artifact)
    return artifact


def at_size(trained: keras.Model, size: int) -> keras.Model:
    """The trained model with a fixed input size and without the optimiser's state."""
    fixed = build_classifier(trained.output_shape[-1], size=size, dropout=trained.get_layer("dropout").rate)
    fixed.set_weights(trained.get_weights())
    return fixed


def stage(
    classifier: keras.Model, plan: Plan, validation: Examples, *, folder: Path, name: str, version: str
) -> Artifact:
    """Write model, graph and tail into the folder, with a manifest that has no metrics yet."""
    size = classifier.input_shape[1]
    contract = InputContract(height=size, width=size)
    logits = classifier.predict(as_served(validation.images, contract), verbose=0)
    temperature = fit_temperature(logits, validation.labels)
    serving = serving_model(classifier, size=size, temperature=temperature)
    classifier.save(folder / MODEL)
    write_onnx(serving, folder / GRAPH)
    np.savez(folder / TAIL, **fold_tail(classifier)._asdict())
    _, rows, columns = serving.output["cam"].shape
    manifest = Manifest(
        name=name,
        version=version,
        labels=LABELS,
        input=contract,
        cam=CamContract(CAM_LAYER, rows, columns),
        precisions={"fp32": Precision(GRAPH, temperature, {})},
        provenance=provenance(plan.seed),
        files={},
    )
    return seal(manifest, folder)


def describe(draft: Artifact, plan: Plan, evaluation: Evaluation) -> Artifact:
    """Add what was measured: to the manifest, as the card, as a figure."""
    measured = replace(draft.manifest.precisions["fp32"], metrics=evaluation.summary())
    manifest = replace(draft.manifest, precisions={"fp32": measured})
    (draft.path / "card.md").write_text(write_card(manifest, plan, evaluation), "utf-8")
    draw_confusion(evaluation.confusion, manifest.labels).save(draft.path / "confusion.png", optimize=True)
    return seal(manifest, draft.path)


def seal(manifest: Manifest, folder: Path) -> Artifact:
    """Write the manifest with the digests of all files that lie in the folder now."""
    files = sorted(file for file in folder.iterdir() if file.name != MANIFEST)
    sealed = replace(manifest, files={file.name: sha256(file) for file in files})
    (folder / MANIFEST).write_text(sealed.to_json(), "utf-8")
    return read_artifact(folder)


def check_agreement(artifact: Artifact, images: NDArray[np.uint8]) -> None:
    """Raise ExportError unless both engines give these images the same probabilities, to 1e-4."""
    pixels = as_served(images, artifact.manifest.input)
    onnx, keras_ = (load_engine(artifact, engine=name).infer(pixels) for name in ("onnx", "keras"))
    difference = float(np.abs(onnx.probabilities - keras_.probabilities).max())
    if difference > AGREEMENT:
        raise ExportError(f"the engines disagree by {difference:.1e}; at most {AGREEMENT:.0e} is allowed")


def provenance(seed: int) -> Provenance:
    """Where an artefact made now comes from."""
    return Provenance(
        seed=seed,
        commit=head_commit(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        libraries={library: library_version(library) for library in LIBRARIES},
    )


def head_commit() -> str | None:
    """The commit checked out here; None outside a repository or without git."""
    command = ("git", "rev-parse", "--verify", "--quiet", "HEAD")
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def next_version(root: Path, name: str) -> str:
    """1.0.0 for a new model, else the minor version after the highest published one."""
    published = [artifact.manifest for artifact in list_artifacts(root) if artifact.manifest.name == name]
    if not published:
        return "1.0.0"
    major, minor, *_ = (int(part) for part in published[-1].version.split("."))
    return f"{major}.{minor + 1}.0"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.export", description="Publish a trained model.")
    parser.add_argument("--run", type=Path, default=DEFAULT_RUN, help="folder that training.train wrote")
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"), help="where models are published")
    parser.add_argument("--name", default="fashion-mnist")
    parser.add_argument("--version", help="a new version, as 1.2.0; default: the next minor one")
    parser.add_argument("--data-dir", type=Path, help="folder with the four IDX files, plain or .gz")
    args = parser.parse_args(argv)
    try:
        training = read_fashion_mnist("train", data_dir=args.data_dir)
        test = read_fashion_mnist("test", data_dir=args.data_dir)
        version = args.version or next_version(args.artifacts, args.name)
        artifact = export(args.run, args.artifacts, name=args.name, version=version, training=training, test=test)
    except (ArtifactError, DatasetError, ExportError, FileNotFoundError) as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"published {artifact.path}: accuracy {artifact.manifest.metrics['fp32']['accuracy']}\n")


if __name__ == "__main__":
    main()

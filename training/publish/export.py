"""Make an artifact of a training run and publish it: `python -m training.publish.export --run FOLDER`."""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from model.artifact import (
    Artifact,
    ArtifactError,
    list_artifacts,
    point_latest,
    pointed_version,
    publish,
    unpublished,
)
from model.engines.interface import load_engine
from training.data.dataset import Dataset, digest, read_dataset
from training.data.fashion_mnist import DatasetError, Examples, split_validation
from training.evaluation.confusion_picture import draw_confusion
from training.evaluation.evaluate import as_served, evaluate_artifact
from training.evaluation.metrics import Evaluation
from training.explanation.summary import judge_cam
from training.fit.origin import Origin, check_origin, read_origin
from training.fit.plan import DEFAULT_RUN, FINAL, Plan, read_plan
from training.publish.card import write_card
from training.publish.comparison import FAITHFULNESS, MARGIN, SANITY
from training.publish.package import seal
from training.publish.staging import CAM_CORRELATION, FP32, add_int8, at_size, cam_correlation, stage

AGREEMENT = 1e-4
AGREEMENT_IMAGES = 128
CAM_IMAGES = 1000


class ExportError(Exception):
    """The artifact is not fit to be published, or cannot be made here."""


def export(
    run: Path, root: Path, *, name: str, version: str, training: Dataset, test: Examples, int8: bool = True
) -> Artifact:
    """Publish the run's model under `root`; a model's first version becomes `latest`, a later one is to be promoted.

    Temperatures are fitted on the validation images that the run held out; the test images only measure. Raises
    DatasetError when the run was made of other images, ExportError when the two engines disagree, ArtifactExists
    when the version is published.
    """
    unpublished(root, name, version)
    check_origin(Origin(training.source, training.labels, digest(training.examples)), run)
    plan = read_plan(run)
    learned, validation = split_validation(training.examples, plan.validation_per_class, seed=plan.seed)
    trained = keras.saving.load_model(run / FINAL, compile=False)
    classifier = at_size(trained, plan.stages[-1].size, backbone=plan.backbone)
    with tempfile.TemporaryDirectory() as folder:
        draft = stage(
            classifier, plan, validation, folder=Path(folder), name=name, version=version, labels=training.labels
        )
        check_agreement(draft, validation.images[:AGREEMENT_IMAGES])
        draft = add_int8(draft, learned, validation) if int8 else draft
        evaluations = {kind: evaluate_artifact(draft, test, precision=kind) for kind in draft.manifest.precisions}
        draft = describe(measure(draft, evaluations, test), evaluations[FP32], plan, source=training.source)
        artifact = publish(draft.path, root)
    if pointed_version(root, name) is None:
        point_latest(artifact)
    return artifact


def check_backend() -> None:
    """Raise ExportError unless Keras runs on TensorFlow, which makes the graphs."""
    if keras.backend.backend() != "tensorflow":
        raise ExportError("models are exported with TensorFlow, whatever trained them; run this without KERAS_BACKEND")


def check_agreement(artifact: Artifact, images: NDArray[np.uint8]) -> None:
    """Raise ExportError unless both engines give these images the same probabilities, to 1e-4."""
    pixels = as_served(images, artifact.manifest.input)
    onnx, keras_ = (load_engine(artifact, engine=name).infer(pixels) for name in ("onnx", "keras"))
    difference = float(np.abs(onnx.probabilities - keras_.probabilities).max())
    if difference > AGREEMENT:
        raise ExportError(f"the engines disagree by {difference:.1e}; at most {AGREEMENT:.0e} is allowed")


def measure(draft: Artifact, evaluations: dict[str, Evaluation], test: Examples) -> Artifact:
    """Add the figures of every precision on the test images to the manifest."""
    sample = as_served(test.images[:CAM_IMAGES], draft.manifest.input)
    cams = {
        kind: load_engine(draft, engine="onnx", precision=kind).infer(sample).cam for kind in draft.manifest.precisions
    }
    precisions = {}
    for kind, precision in draft.manifest.precisions.items():
        figures = evaluations[kind].summary()
        if kind == FP32:
            figures |= explanation_figures(draft, test)
        else:
            figures[CAM_CORRELATION] = round(cam_correlation(cams[FP32], cams[kind]), 4)
        precisions[kind] = replace(precision, metrics=figures)
    return seal(replace(draft.manifest, precisions=precisions), draft.path)


def explanation_figures(draft: Artifact, test: Examples) -> dict[str, float]:
    """How faithful and how sane the served CAM is, by the names that a promotion compares."""
    found = judge_cam(draft, test)
    return {FAITHFULNESS.key: found.faithfulness, MARGIN.key: found.margin_low, SANITY.key: found.sanity}


def describe(draft: Artifact, evaluation: Evaluation, plan: Plan, *, source: str) -> Artifact:
    """Add what a person should know: the card, and the confusion matrix as a figure."""
    (draft.path / "card.md").write_text(write_card(draft.manifest, plan, evaluation, source=source), "utf-8")
    draw_confusion(evaluation.confusion, draft.manifest.labels).save(draft.path / "confusion.png", optimize=True)
    return seal(draft.manifest, draft.path)


def next_version(root: Path, name: str) -> str:
    """1.0.0 for a new model, else the minor version after the highest published one."""
    published = [artifact.manifest for artifact in list_artifacts(root) if artifact.manifest.name == name]
    if not published:
        return "1.0.0"
    try:
        major, minor, *_ = (int(part) for part in published[-1].version.split("."))
    except ValueError:
        raise ExportError(f"{name} {published[-1].version} has no next version by rule; give --version") from None
    return f"{major}.{minor + 1}.0"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.publish.export", description="Publish a trained model.")
    parser.add_argument("--run", type=Path, default=DEFAULT_RUN, help="folder that training.fit.train wrote")
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"), help="where models are published")
    parser.add_argument("--name", help="default: the name of the run's folder")
    parser.add_argument("--version", help="a new version, as 1.2.0; default: the next minor one")
    parser.add_argument("--data", help="where the run's images are now, if they were moved: folder:PATH")
    parser.add_argument("--data-dir", type=Path, help="for fashion-mnist: folder with the four IDX files")
    parser.add_argument("--no-int8", dest="int8", action="store_false", help="leave out the int8 graph")
    args = parser.parse_args(argv)
    try:
        artifact = _export(args)
    except (ArtifactError, DatasetError, ExportError, OSError) as error:
        parser.exit(1, f"{error}; nothing was published\n")
    except KeyboardInterrupt:
        parser.exit(130, "\nstopped; nothing was published\n")
    manifest = artifact.manifest
    for precision, figures in manifest.metrics.items():
        sys.stdout.write(f"published {artifact.path} {precision}: accuracy {figures['accuracy']}\n")
    latest = pointed_version(args.artifacts, manifest.name)
    if latest != manifest.version:
        sys.stdout.write(
            f"latest {manifest.name} is still {latest}; next: "
            f"python -m training.publish.promote {manifest.name} {manifest.version}\n"
        )


def _export(args: argparse.Namespace) -> Artifact:
    check_backend()
    plan, origin = read_plan(args.run), read_origin(args.run)
    name = args.name or args.run.resolve().name
    version = args.version or next_version(args.artifacts, name)
    training, test = (
        read_dataset(args.data or origin.source, split, size=plan.largest, seed=plan.seed, data_dir=args.data_dir)
        for split in ("train", "test")
    )
    return export(
        args.run, args.artifacts, name=name, version=version, training=training, test=test.examples, int8=args.int8
    )


if __name__ == "__main__":
    main()

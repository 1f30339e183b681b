"""Export a training run as a model version: `python -m training export --run FOLDER`."""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from model.arrays import Images
from model.artifact import (
    Artifact,
    ArtifactError,
    list_artifacts,
    point_latest,
    pointed_version,
    publish,
    unpublished_path,
)
from model.engines.load import load_engine
from training.data.dataset import Dataset, read_dataset
from training.data.examples import DatasetError, Examples, split_validation
from training.data.serving import decode_as_served
from training.evaluation.confusion_image import draw_confusion
from training.evaluation.evaluate import artifact_metrics
from training.evaluation.metrics import ClassificationMetrics
from training.explanation.cam_metrics import cam_metrics
from training.publish.card import card_text
from training.publish.comparison import CORRELATION, FAITHFULNESS, MARGIN, SANITY
from training.publish.draft import FP32, add_int8, cam_correlation, with_input_size, write_draft
from training.publish.package import write_manifest
from training.run.fingerprint import check_fingerprint, fingerprint, read_fingerprint
from training.run.plan import DEFAULT_RUN, TRAINED_MODEL, InvalidPlan, Plan, read_plan

MAX_ENGINE_DIFFERENCE = 1e-4
ENGINE_CHECK_IMAGES = 128
CAM_IMAGES = 1000


class ExportError(Exception):
    """Raised when an artifact cannot be made on this machine or must not be published."""


def export(
    run: Path, root: Path, *, name: str, version: str, training: Dataset, test: Examples, int8: bool = True
) -> Artifact:
    """Publish the run's model; a model's first version becomes `latest`, later ones wait for `promote`.

    Args:
        run: folder of the training run.
        root: folder of all artifacts.
        name: name of the model.
        version: a version that is not published yet.
        training: the images that the run was trained on; temperatures are fitted on its validation images.
        test: the images that the metrics are measured on.
        int8: add an int8 graph.

    Raises:
        DatasetError: the run was trained on other images.
        ExportError: the two engines disagree.
        ArtifactExists: the version is published.
    """
    unpublished_path(root, name, version)
    check_fingerprint(fingerprint(training), run)
    plan = read_plan(run)
    fitted, validation = split_validation(training.examples, plan.validation_per_class, seed=plan.seed)
    trained = keras.saving.load_model(run / TRAINED_MODEL, compile=False)
    classifier = with_input_size(trained, plan.stages[-1].size, backbone=plan.backbone)
    with tempfile.TemporaryDirectory() as folder:
        draft = write_draft(
            classifier, plan, validation, folder=Path(folder), name=name, version=version, labels=training.labels
        )
        check_engines_agree(draft, validation.images[:ENGINE_CHECK_IMAGES])
        draft = add_int8(draft, fitted, validation) if int8 else draft
        metrics = {kind: artifact_metrics(draft, test, precision=kind) for kind in draft.manifest.precisions}
        draft = add_card(add_metrics(draft, metrics, test), metrics[FP32], plan, source=training.source)
        artifact = publish(draft.path, root)
    if pointed_version(root, name) is None:
        point_latest(artifact)
    return artifact


def check_backend() -> None:
    """Raise ExportError unless Keras runs on TensorFlow, which converts the graphs."""
    if keras.backend.backend() != "tensorflow":
        raise ExportError("the export needs TensorFlow, whichever backend trained; run it without KERAS_BACKEND")


def check_engines_agree(artifact: Artifact, images: Images) -> None:
    """Raise ExportError if the engines' probabilities differ by more than `MAX_ENGINE_DIFFERENCE` on these images."""
    pixels = decode_as_served(images, artifact.manifest.input)
    by_onnx, by_keras = (load_engine(artifact, engine=name).infer(pixels) for name in ("onnx", "keras"))
    difference = float(np.abs(by_onnx.probabilities - by_keras.probabilities).max())
    if difference > MAX_ENGINE_DIFFERENCE:
        raise ExportError(
            f"the probabilities of ONNX Runtime and Keras differ by {difference:.1e}, "
            f"more than {MAX_ENGINE_DIFFERENCE:.0e}"
        )


def add_metrics(draft: Artifact, metrics: dict[str, ClassificationMetrics], test: Examples) -> Artifact:
    """Add the metrics of every precision on the test images to the manifest."""
    pixels = decode_as_served(test.images[:CAM_IMAGES], draft.manifest.input)
    cams = {
        kind: load_engine(draft, engine="onnx", precision=kind).infer(pixels).cam for kind in draft.manifest.precisions
    }
    precisions = {}
    for kind, precision in draft.manifest.precisions.items():
        figures = metrics[kind].summary()
        if kind == FP32:
            figures |= explanation_metrics(draft, test)
        else:
            figures[CORRELATION.key] = round(cam_correlation(cams[FP32], cams[kind]), 4)
        precisions[kind] = replace(precision, metrics=figures)
    return write_manifest(replace(draft.manifest, precisions=precisions), draft.path)


def explanation_metrics(draft: Artifact, test: Examples) -> dict[str, float]:
    """Return the metrics of the served CAM under the keys that `promote` compares."""
    measured = cam_metrics(draft, test)
    return {FAITHFULNESS.key: measured.faithfulness, MARGIN.key: measured.margin_low, SANITY.key: measured.sanity}


def add_card(draft: Artifact, metrics: ClassificationMetrics, plan: Plan, *, source: str) -> Artifact:
    """Add the model card and the confusion matrix; `metrics` are those of fp32."""
    (draft.path / "card.md").write_text(card_text(draft.manifest, plan, metrics, source=source), "utf-8")
    draw_confusion(metrics.confusion, draft.manifest.labels).save(draft.path / "confusion.png", optimize=True)
    return write_manifest(draft.manifest, draft.path)


def next_version(root: Path, name: str) -> str:
    """Return 1.0.0 for a new model, else the minor version after the highest published one. Raises ExportError."""
    published = [artifact.manifest for artifact in list_artifacts(root) if artifact.manifest.name == name]
    if not published:
        return "1.0.0"
    try:
        major, minor, *_ = (int(part) for part in published[-1].version.split("."))
    except ValueError:
        raise ExportError(
            f"{name} {published[-1].version} is not of the form MAJOR.MINOR; name the new version with --version"
        ) from None
    return f"{major}.{minor + 1}.0"


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training export` with these arguments."""
    parser = argparse.ArgumentParser(prog="python -m training export", description="Publish a trained model.")
    parser.add_argument("--run", type=Path, default=DEFAULT_RUN, help="folder of the run (default: %(default)s)")
    parser.add_argument(
        "--artifacts", type=Path, default=Path("artifacts"), help="where models are published (default: %(default)s)"
    )
    parser.add_argument("--name", help="name of the model; default: that of the run's folder")
    parser.add_argument("--version", help="a new version such as 1.2.0; default: the next minor one")
    parser.add_argument("--data", help="where the run's images are now, if they have moved: folder:PATH")
    parser.add_argument("--data-dir", type=Path, help="for fashion-mnist: folder with the four IDX files")
    parser.add_argument("--no-int8", dest="int8", action="store_false", help="do not add an int8 graph")
    args = parser.parse_args(argv)
    try:
        artifact = _export(args)
    except (ArtifactError, DatasetError, ExportError, InvalidPlan, OSError) as error:
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
            f"python -m training promote {manifest.name} {manifest.version}\n"
        )


def _export(args: argparse.Namespace) -> Artifact:
    check_backend()
    plan, data = read_plan(args.run), read_fingerprint(args.run)
    name = args.name or args.run.resolve().name
    version = args.version or next_version(args.artifacts, name)
    training, test = (
        read_dataset(args.data or data.source, split, size=plan.largest_size, seed=plan.seed, data_dir=args.data_dir)
        for split in ("train", "test")
    )
    return export(
        args.run, args.artifacts, name=name, version=version, training=training, test=test.examples, int8=args.int8
    )

"""Command-line arguments of the commands that evaluate an artifact: the artifact, and the images to evaluate it on."""

import argparse
from collections.abc import Callable
from pathlib import Path

from model.artifact import Artifact, read_artifact
from training.data.dataset import FASHION_MNIST, Dataset, read_evaluation_split
from training.data.examples import VALIDATION_PER_CLASS, DatasetError
from training.data.fashion_mnist import LABELS
from training.run.fingerprint import read_fingerprint
from training.run.plan import DEFAULT_RUN


def add_evaluation_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the artifact, its images and their split to a command's arguments."""
    parser.add_argument("artifact", type=Path, help="folder of the artifact, such as artifacts/fashion-mnist/1.1.0")
    parser.add_argument(
        "--data", help="fashion-mnist or folder:PATH (default: what training-output/NAME was trained on)"
    )
    parser.add_argument("--data-dir", type=Path, help="for fashion-mnist: folder with the four IDX files, plain or .gz")
    parser.add_argument("--split", choices=("test", "validation"), default="test", help="default: %(default)s")
    parser.add_argument(
        "--validation-per-class",
        type=int,
        default=VALIDATION_PER_CLASS,
        help="images per class that training held out (default: %(default)s)",
    )


def read_evaluation_arguments(args: argparse.Namespace) -> tuple[Artifact, Dataset]:
    """Read the artifact and the images that the arguments name.

    Raises:
        ArtifactError: there is no such artifact.
        DatasetError: the images cannot be read, or their classes are not those of the model.
    """
    artifact = read_artifact(args.artifact)
    source = args.data or _training_source(artifact)
    dataset = read_evaluation_split(
        source,
        args.split,
        size=artifact.manifest.input.height,
        seed=artifact.manifest.provenance.seed,
        validation_per_class=args.validation_per_class,
        data_dir=args.data_dir,
    )
    if dataset.labels != artifact.manifest.labels:
        raise DatasetError(
            f"{source} has the classes {', '.join(dataset.labels)}, but the model has "
            f"{', '.join(artifact.manifest.labels)}; name images of its classes with --data"
        )
    return artifact, dataset


def at_least(minimum: int) -> Callable[[str], int]:
    """Return an argparse type: an integer that is not below the minimum."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < minimum:
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer of at least {minimum}")
        return int(text)

    return parse


def _training_source(artifact: Artifact) -> str:
    """Return the data set that the model was trained on, as its run's folder or its labels tell."""
    run = DEFAULT_RUN.parent / artifact.manifest.name
    try:
        recorded = read_fingerprint(run)
    except FileNotFoundError:
        recorded = None
    if recorded is not None and recorded.labels == artifact.manifest.labels:
        return recorded.source
    if artifact.manifest.labels == LABELS:
        return FASHION_MNIST
    raise DatasetError(f"{run} does not tell what the model was trained on; name its images with --data folder:PATH")

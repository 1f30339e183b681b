"""The options of the commands that measure an artifact, and what they name: the artifact and its images."""

import argparse
from pathlib import Path

from model.artifact import Artifact, read_artifact
from training.data.dataset import FASHION_MNIST, Dataset
from training.data.fashion_mnist import DatasetError
from training.data.split import HELD_OUT, read_measured


def add_measured(parser: argparse.ArgumentParser) -> None:
    """Let the parser take an artifact and say which images it is measured on."""
    parser.add_argument("artifact", type=Path, help="an artifact's folder, as artifacts/fashion-mnist/1.1.0")
    parser.add_argument("--data", default=FASHION_MNIST, help="fashion-mnist or folder:PATH")
    parser.add_argument("--data-dir", type=Path, help="folder with the four IDX files, plain or .gz")
    parser.add_argument("--split", choices=("test", "validation"), default="test", help="which images are taken")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help="validation images per class in training")


def read_asked(args: argparse.Namespace) -> tuple[Artifact, Dataset]:
    """What those options name. Raises ArtifactError, and DatasetError also where the model knows other classes."""
    artifact = read_artifact(args.artifact)
    contract, seed = artifact.manifest.input, artifact.manifest.provenance.seed
    dataset = read_measured(
        args.data, args.split, size=contract.height, seed=seed, held_out=args.held_out, data_dir=args.data_dir
    )
    if dataset.labels != artifact.manifest.labels:
        raise DatasetError(f"{args.data} has other classes than the model, which knows {artifact.manifest.labels}")
    return artifact, dataset

"""Explore a data set before training on it: `python -m training explore --out FOLDER`."""

import argparse
import sys
from pathlib import Path

import numpy as np

from model.arrays import Images
from model.decode import stretch_images
from training.data.dataset import FASHION_MNIST, Dataset, describe, public_source, read_dataset
from training.data.duplicates import count_duplicates, find_near_duplicates
from training.data.examples import VALIDATION_PER_CLASS, DatasetError, Examples, Split, split_validation
from training.data.pixels import describe_enlargement, describe_split, mean_images
from training.findings import EXPLORATION, ExplorationFindings, save
from training.sheet import write_sheet

DEFAULT_SEED, DEFAULT_SIZE_PX = 20, 96  # the defaults of `training.run.plan.Plan`
SAMPLES_PER_CLASS = 8
MAX_ENLARGED_IMAGES = 2000
ENLARGED_SHOWN = 4


def explore(
    dataset: Dataset, test: Examples | None, *, size: int, seed: int, validation_per_class: int, out: Path
) -> Path:
    """Describe training, validation and, if given, test images; save `exploration.json` and its contact sheets.

    Args:
        dataset: the training images, from which the validation images are held out.
        test: the test images, or None to leave them unread.
        size: side in pixels of the network's input.
        seed: decides the validation images and the samples.
        validation_per_class: images held out of every class.
        out: folder to write to.

    Returns:
        The path of `exploration.json`.
    """
    training, validation = split_validation(dataset.examples, validation_per_class, seed=seed)
    splits = {"training": training, "validation": validation} | ({"test": test} if test else {})
    compared = list(splits)[-1]
    rng = np.random.default_rng(seed)
    some = training.images[rng.permutation(len(training))[:MAX_ENLARGED_IMAGES]]
    near, pairs = find_near_duplicates(training, splits[compared], split=compared, labels=dataset.labels, seed=seed)
    findings = ExplorationFindings(
        command=f"python -m training explore --data {public_source(dataset.source)}{'' if test else ' --no-test'}",
        data=describe(dataset, "train"),
        labels=list(dataset.labels),
        skipped=list(dataset.skipped),
        splits=[describe_split(name, examples, classes=len(dataset.labels)) for name, examples in splits.items()],
        duplicates=list(count_duplicates(splits)),
        near_duplicates=near,
        enlargement=describe_enlargement(some, size=size),
    )
    out.mkdir(parents=True, exist_ok=True)
    write_sheet(_samples(training, rng), out / "samples.png", columns=SAMPLES_PER_CLASS)
    write_sheet(mean_images(training, classes=len(dataset.labels)), out / "means.png", columns=len(dataset.labels))
    write_sheet(pairs, out / "nearest.png", columns=2)
    shown = some[:ENLARGED_SHOWN]
    write_sheet(shown, out / "original.png", columns=ENLARGED_SHOWN, max_side_px=size)
    write_sheet(stretch_images(shown, side=size), out / "enlarged.png", columns=ENLARGED_SHOWN, max_side_px=size)
    return save(out, EXPLORATION, findings)


def _samples(examples: Examples, rng: np.random.Generator) -> Images:
    """Return `SAMPLES_PER_CLASS` images of every class, class by class; a class with fewer images repeats them."""
    chosen = [
        np.resize(rng.permutation(np.flatnonzero(examples.labels == label)), SAMPLES_PER_CLASS)
        for label in np.unique(examples.labels)
    ]
    return examples.take(np.concatenate(chosen)).images


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training explore` with these arguments."""
    parser = argparse.ArgumentParser(prog="python -m training explore", description="Explore a data set.")
    parser.add_argument("--data", default=FASHION_MNIST, help="fashion-mnist or folder:PATH")
    parser.add_argument("--data-dir", type=Path, help="for fashion-mnist: folder with the four IDX files, plain or .gz")
    parser.add_argument("--size", type=int, default=DEFAULT_SIZE_PX, help="side of the network's input in pixels")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="decides which images are held out")
    parser.add_argument(
        "--validation-per-class", type=int, default=VALIDATION_PER_CLASS, help="validation images per class"
    )
    parser.add_argument("--no-test", action="store_true", help="do not read the test images")
    parser.add_argument("--out", type=Path, required=True, help="folder for exploration.json and its pictures")
    args = parser.parse_args(argv)
    try:
        dataset, test = _read(args)
        written = explore(
            dataset,
            test,
            size=args.size,
            seed=args.seed,
            validation_per_class=args.validation_per_class,
            out=args.out,
        )
    except (DatasetError, OSError) as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"{written}\n")


def _read(args: argparse.Namespace) -> tuple[Dataset, Examples | None]:
    """Return (the training images, the test images or None)."""

    def read(split: Split) -> Dataset:
        return read_dataset(args.data, split, size=args.size, seed=args.seed, data_dir=args.data_dir)

    return read("train"), None if args.no_test else read("test").examples

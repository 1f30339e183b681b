"""Look at a data set before training on it: `python -m training.data.explore --out FOLDER`."""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.dataset import FASHION_MNIST, Dataset, read_dataset
from training.data.duplicates import count_duplicates, find_near
from training.data.fashion_mnist import DatasetError, Examples, resize, split_validation
from training.data.pixels import describe_enlargement, describe_split, mean_images
from training.data.split import HELD_OUT, describe, public_source
from training.findings import EXPLORATION, ExplorationFindings, save
from training.sheet import write_sheet

SEED, SIZE = 20, 96  # as `training.fit.train` has them by default
SAMPLES_PER_CLASS = 8
ENLARGED = 2000
SHOWN = 4


def explore(dataset: Dataset, test: Examples | None, *, size: int, seed: int, held_out: int, out: Path) -> Path:
    """Save what is to be known of the images that train, those held out of them, and the test images if given."""
    training, validation = split_validation(dataset.examples, held_out, seed=seed)
    splits = {"training": training, "validation": validation} | ({"test": test} if test else {})
    measured = list(splits)[-1]
    dice = np.random.default_rng(seed)
    some = training.images[dice.permutation(len(training))[:ENLARGED]]
    near, pairs = find_near(training, splits[measured], split=measured, labels=dataset.labels, seed=seed)
    findings = ExplorationFindings(
        command=f"python -m training.data.explore --data {public_source(dataset.source)}{'' if test else ' --no-test'}",
        data=describe(dataset, "train"),
        labels=list(dataset.labels),
        skipped=list(dataset.skipped),
        splits=[describe_split(name, examples, classes=len(dataset.labels)) for name, examples in splits.items()],
        duplicates=list(count_duplicates(splits)),
        near=near,
        enlargement=describe_enlargement(some, size=size),
    )
    out.mkdir(parents=True, exist_ok=True)
    write_sheet(_samples(training, dice), out / "samples.png", columns=SAMPLES_PER_CLASS)
    write_sheet(mean_images(training, classes=len(dataset.labels)), out / "means.png", columns=len(dataset.labels))
    write_sheet(pairs, out / "nearest.png", columns=2)
    write_sheet(some[:SHOWN], out / "original.png", columns=SHOWN, most_px=size)
    write_sheet(resize(some[:SHOWN], size), out / "enlarged.png", columns=SHOWN, most_px=size)
    return save(out, EXPLORATION, findings)


def _samples(examples: Examples, dice: np.random.Generator) -> NDArray[np.uint8]:
    """Some images of every class, class after class; where a class has too few, they come again."""
    chosen = [
        np.resize(dice.permutation(np.flatnonzero(examples.labels == label)), SAMPLES_PER_CLASS)
        for label in np.unique(examples.labels)
    ]
    return examples.take(np.concatenate(chosen)).images


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.data.explore", description="Look at a data set.")
    parser.add_argument("--data", default=FASHION_MNIST, help="fashion-mnist or folder:PATH")
    parser.add_argument("--data-dir", type=Path, help="folder with the four IDX files, plain or .gz")
    parser.add_argument("--size", type=int, default=SIZE, help="side of the images that the network takes")
    parser.add_argument("--seed", type=int, default=SEED, help="decides which images are held out")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help="validation images per class")
    parser.add_argument("--no-test", action="store_true", help="leave the test images unread")
    parser.add_argument("--out", type=Path, required=True, help="folder for exploration.json and its pictures")
    args = parser.parse_args(argv)
    try:
        dataset = read_dataset(args.data, "train", size=args.size, seed=args.seed, data_dir=args.data_dir)
        test = None
        if not args.no_test:
            test = read_dataset(args.data, "test", size=args.size, seed=args.seed, data_dir=args.data_dir).examples
        written = explore(dataset, test, size=args.size, seed=args.seed, held_out=args.held_out, out=args.out)
    except (DatasetError, OSError) as error:
        parser.exit(1, f"{error}\n")
    sys.stdout.write(f"{written}\n")


if __name__ == "__main__":
    main()

"""Train a classifier from the command line: `python -m training train --weights FILE --out FOLDER`."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from model.backbones import BACKBONES
from model.network import WeightsError
from training.data.dataset import FASHION_MNIST, read_dataset
from training.data.examples import DatasetError
from training.fit.trainer import train
from training.run.history import finished_epochs
from training.run.plan import DEFAULT_RUN, TRAINED_MODEL, InvalidPlan, Plan, parse_stages, read_plan


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training train` with these arguments."""
    parser = _parser()
    args = parser.parse_args(argv)
    done = finished_epochs(args.out)
    if done and not (args.out / TRAINED_MODEL).exists() and not (args.resume or args.restart):
        hint = "continue it with --resume or discard it with --restart"
        parser.exit(1, f"{args.out} holds an unfinished run of {done} epochs; {hint}\n")
    try:
        plan = _plan(args)
        dataset = read_dataset(args.data, "train", size=plan.largest_size, seed=plan.seed, data_dir=args.data_dir)
        sys.stderr.writelines(f"skipped {reason}\n" for reason in dataset.skipped)
        trained = train(dataset, plan=plan, run=args.out, weights=args.weights, resume=args.resume)
    except (DatasetError, InvalidPlan, WeightsError) as error:
        parser.exit(1, f"{error}\n")
    except OSError as error:
        parser.exit(1, f"{error}; {finished_epochs(args.out)} epochs are saved, --resume continues after them\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\nstopped; {finished_epochs(args.out)} epochs are saved, --resume continues after them\n")
    sys.stdout.write(f"trained model: {trained}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training train", description="Train a classifier.")
    parser.add_argument("--data", default=FASHION_MNIST, help="fashion-mnist, or folder:PATH with a folder per class")
    parser.add_argument("--data-dir", type=Path, help="for fashion-mnist: folder with the four IDX files")
    parser.add_argument("--weights", default="imagenet", help=".weights.h5 file; default: Keras downloads ImageNet's")
    parser.add_argument("--out", type=Path, default=DEFAULT_RUN, help="folder of this run (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="continue after the last finished epoch in --out")
    parser.add_argument("--restart", action="store_true", help="discard an unfinished run in --out")
    parser.add_argument("--backbone", choices=BACKBONES, help=f"default: {Plan.backbone}")
    parser.add_argument("--stages", type=parse_stages, help="such as 32x3,64x4,96x3:late+consistency")
    parser.add_argument("--batch-size", type=int, help="images per optimizer step")
    parser.add_argument("--learning-rate", type=float, help="at the end of the warm-up")
    parser.add_argument(
        "--patience-epochs", type=int, help="end a stage after this many epochs without a better accuracy"
    )
    parser.add_argument("--seed", type=int, help="decides validation images, order and augmentation")
    return parser


def _plan(args: argparse.Namespace) -> Plan:
    """Return the plan of the run to resume, or the default one; command-line arguments override its settings."""
    plan = read_plan(args.out) if args.resume and finished_epochs(args.out) else Plan()
    names = ("backbone", "stages", "batch_size", "learning_rate", "patience_epochs", "seed")
    return replace(plan, **{name: getattr(args, name) for name in names if getattr(args, name) is not None})

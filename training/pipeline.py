"""Train, export and promote a model in one go: `python -m training pipeline`."""

import argparse
from pathlib import Path

from model.artifact import ArtifactError
from model.backbones import BACKBONES
from model.manifest import NAME_PATTERN
from training.data.dataset import FASHION_MNIST
from training.fit import train
from training.publish import export, promote
from training.run.plan import DEFAULT_RUN


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training pipeline` with these arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m training pipeline",
        description="Train a model, publish it, and make it the latest unless it is worse than the latest version.",
        epilog="All other options go to `python -m training train`, such as --stages 32x3,96x2.",
    )
    parser.add_argument("--data", default=FASHION_MNIST, help="fashion-mnist, or folder:PATH with a folder per class")
    parser.add_argument("--data-dir", help="for fashion-mnist: folder with the four IDX files")
    parser.add_argument("--backbone", choices=BACKBONES, help="default: MobileNetV2")
    parser.add_argument(
        "--out", type=Path, help=f"folder of this run (default: {DEFAULT_RUN.parent}/ and the data's name)"
    )
    parser.add_argument("--artifacts", default="artifacts", help="where models are published (default: %(default)s)")
    parser.add_argument("--name", help="name of the model (default: that of the run's folder)")
    parser.add_argument("--no-int8", action="store_true", help="do not add an int8 graph")
    args, train_options = parser.parse_known_args(argv)
    run = args.out or DEFAULT_RUN.parent / Path(args.data.partition(":")[2] or args.data).name
    name = args.name or run.resolve().name
    if not NAME_PATTERN.fullmatch(name):
        parser.exit(1, f"{name!r} is not a model name; give one of a-z, 0-9, dot, _ and - with --name\n")
    try:
        export.check_backend()
        version = export.next_version(Path(args.artifacts), name)
    except (ArtifactError, export.ExportError) as error:
        parser.exit(1, f"{error}; nothing was done\n")
    data_dir = ["--data-dir", args.data_dir] if args.data_dir else []
    backbone = ["--backbone", args.backbone] if args.backbone else []
    artifacts = ["--artifacts", args.artifacts]
    train.main(["--data", args.data, *data_dir, *backbone, "--out", str(run), *train_options])
    int8 = ["--no-int8"] if args.no_int8 else []
    export.main(["--run", str(run), "--name", name, "--version", version, *int8, *artifacts, *data_dir])
    promote.main([name, version, *artifacts])

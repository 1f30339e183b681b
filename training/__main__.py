"""Train, publish and promote in one go: `python -m training`."""

import argparse
from pathlib import Path

from model.network import BACKBONES
from training.data.dataset import FASHION_MNIST
from training.fit import train
from training.fit.plan import DEFAULT_RUN
from training.publish import export, promote


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train a model, publish it, and make it the latest unless it is worse than the one before.",
        epilog="Options that are not listed here go to training.fit.train, as --stages 32x3,96x2.",
    )
    parser.add_argument("--data", default=FASHION_MNIST, help="fashion-mnist, or folder:PATH with a folder per class")
    parser.add_argument("--data-dir", help="for fashion-mnist: folder with the four IDX files")
    parser.add_argument("--backbone", choices=BACKBONES)
    parser.add_argument("--out", type=Path, default=DEFAULT_RUN, help="folder of this run")
    parser.add_argument("--artifacts", default="artifacts", help="where models are published")
    parser.add_argument("--name", help="of the model; default: the name of the run's folder")
    parser.add_argument("--no-int8", action="store_true", help="leave out the int8 graph")
    args, rest = parser.parse_known_args(argv)
    try:
        export.check_backend()
    except export.ExportError as error:
        parser.exit(1, f"{error}, or train with python -m training.fit.train alone; nothing was done\n")
    name = args.name or args.out.resolve().name
    data = ["--data-dir", args.data_dir] if args.data_dir else []
    version = export.next_version(Path(args.artifacts), name)
    backbone = ["--backbone", args.backbone] if args.backbone else []
    train.main(["--data", args.data, *data, *backbone, "--out", str(args.out), *rest])
    place = ["--artifacts", args.artifacts]
    how = ["--run", str(args.out), "--name", name, "--version", version, *(["--no-int8"] if args.no_int8 else [])]
    export.main([*how, *place, *data])
    promote.main([name, version, *place])


if __name__ == "__main__":
    main()

"""Make the report of what was measured: `make report`, or `python -m training.report [FOLDER]`."""

import argparse
import sys
from pathlib import Path

from model.artifact import ArtifactError, find_artifact
from training.report.assembly import assemble
from training.report.training_section import save_training
from training.report.writing import write_report


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.report", description="Make a report of saved findings.")
    parser.add_argument("folder", type=Path, nargs="?", help="default: reports/NAME/VERSION of the latest model")
    parser.add_argument("--name", default="fashion-mnist", help="the model, where no folder is given")
    parser.add_argument("--run", type=Path, help="first save the plan and history of this training run in the folder")
    args = parser.parse_args(argv)
    try:
        folder = args.folder or _latest(args.name)
        if args.run:
            save_training(args.run, folder)
        if not folder.is_dir():
            parser.exit(1, f"{folder} does not exist; the commands that measure write into it (docs/training.md)\n")
        for written in write_report(assemble(folder), folder):
            sys.stdout.write(f"{written}\n")
    except (ArtifactError, OSError) as error:
        parser.exit(1, f"{error}\n")


def _latest(name: str) -> Path:
    manifest = find_artifact(Path("artifacts"), name).manifest
    return Path("reports") / manifest.name / manifest.version


if __name__ == "__main__":
    main()

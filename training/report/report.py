"""Write the report on a model version: `make report`, or `python -m training report [FOLDER]`."""

import argparse
import sys
from pathlib import Path

from model.artifact import ArtifactError, find_artifact
from training.report.assembly import assemble
from training.report.rendering import write_report
from training.report.training_section import save_training
from training.run.plan import InvalidPlan


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training report` with these arguments."""
    parser = argparse.ArgumentParser(prog="python -m training report", description="Write a report on saved findings.")
    parser.add_argument("folder", type=Path, nargs="?", help="default: reports/NAME/VERSION of the latest model")
    parser.add_argument(
        "--name", default="fashion-mnist", help="the model, if no folder is given (default: %(default)s)"
    )
    parser.add_argument("--run", type=Path, help="first copy the plan and the history of this run to the folder")
    args = parser.parse_args(argv)
    try:
        folder = args.folder or _latest(args.name)
        if args.run:
            save_training(args.run, folder)
        if not folder.is_dir():
            parser.exit(
                1,
                f"{folder} does not exist; first run: python -m training evaluate ARTIFACT --out {folder}\n",
            )
        for written in write_report(assemble(folder), folder):
            sys.stdout.write(f"{written}\n")
    except (ArtifactError, InvalidPlan, OSError) as error:
        parser.exit(1, f"{error}\n")


def _latest(name: str) -> Path:
    manifest = find_artifact(Path("artifacts"), name).manifest
    return Path("reports") / manifest.name / manifest.version

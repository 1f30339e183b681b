"""Point the alias `latest` at a version: `python -m training promote MODEL VERSION`, or back: `… MODEL --rollback`.

Jobs that name no version get `latest` from then on. Submitted jobs keep the version that they were submitted with.
"""

import argparse
import sys
from pathlib import Path

from model.artifact import (
    PREVIOUS,
    Artifact,
    ArtifactError,
    ArtifactMissing,
    artifact_folders,
    find_artifact,
    point_latest,
    pointed_version,
)
from training.evaluation.throughput import measure_throughputs
from training.publish.comparison import Check, compare


def promote(new: Artifact) -> list[Check]:
    """Point `latest` at this version unless it is worse than the version that `latest` names, and return the checks.

    The alias stays when a check fails. The throughput of both versions is measured on this machine. Raises
    ArtifactError.
    """
    new.verify()
    old = latest_version(new)
    checks = [] if old is None else compare_versions(old, new)
    if not any(check.failed for check in checks):
        point_latest(new)
    return checks


def latest_version(new: Artifact) -> Artifact | None:
    """Return the version of the same model that `latest` names; None if there is no alias."""
    root, name = new.path.parent.parent, new.manifest.name
    version = pointed_version(root, name)
    return None if version is None else find_artifact(root, name, version)


def compare_versions(old: Artifact, new: Artifact) -> list[Check]:
    """Compare the manifests, and measure the throughput of the precisions that both versions have."""
    shared = [precision for precision in old.manifest.precisions if precision in new.manifest.precisions]
    throughputs = {precision: measure_throughputs([old, new], precision=precision) for precision in shared}
    return compare(
        old.manifest,
        new.manifest,
        old_throughputs={precision: pair[0] for precision, pair in throughputs.items()},
        new_throughputs={precision: pair[1] for precision, pair in throughputs.items()},
    )


def roll_back(root: Path, name: str) -> Artifact:
    """Verify the version that `latest` named before and point `latest` at it. Raises ArtifactError."""
    version = pointed_version(root, name, alias=PREVIOUS)
    if version is None:
        published = ", ".join(_versions(root, name)) or "none"
        raise ArtifactMissing(f"{name} has no previous version to roll back to; published versions: {published}")
    artifact = find_artifact(root, name, version)
    artifact.verify()
    point_latest(artifact)
    return artifact


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training promote` with these arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m training promote", description="Make a version the default of jobs that name no version."
    )
    parser.add_argument("model", help="a name such as fashion-mnist, or a folder such as artifacts/fashion-mnist/1.1.0")
    parser.add_argument("version", nargs="?", help="such as 1.1.0")
    parser.add_argument(
        "--artifacts", type=Path, default=Path("artifacts"), help="where models are published (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="promote without a comparison")
    parser.add_argument("--rollback", action="store_true", help="return to the version that was replaced")
    args = parser.parse_args(argv)
    try:
        succeeded = _roll_back(args) if args.rollback else _promote(args)
    except (ArtifactError, OSError) as error:
        parser.exit(1, f"{error}; the alias was not moved\n")
    if not succeeded:
        parser.exit(1)


def _roll_back(args: argparse.Namespace) -> bool:
    artifact = roll_back(args.artifacts, args.model)
    sys.stdout.write(f"latest {args.model} is {artifact.manifest.version} again\n")
    return True


def _promote(args: argparse.Namespace) -> bool:
    new = _named_artifact(args)
    name, version = new.manifest.name, new.manifest.version
    old = pointed_version(new.path.parent.parent, name)
    if old == version:
        sys.stdout.write(f"latest {name} is already {version}\n")
        return True
    if args.force:
        new.verify()
        point_latest(new)
    elif failed := _print_checks(promote(new)):
        sys.stderr.write(
            f"refused: {version} fails {failed} of these checks against {old}; latest {name} is still {old}\n"
            f"to promote it anyway: python -m training promote {name} {version} --force\n"
        )
        return False
    back = f"; to go back: python -m training promote {name} --rollback" if old else ""
    sys.stdout.write(f"latest {name} is {version}{f', was {old}' if old else ''}{back}\n")
    return True


def _named_artifact(args: argparse.Namespace) -> Artifact:
    if args.version:
        return find_artifact(args.artifacts, args.model, args.version)
    folder = Path(args.model)
    if folder.parent == Path():
        published = ", ".join(_versions(args.artifacts, args.model)) or "none"
        raise ArtifactMissing(f"{args.model} needs a version; published versions: {published}")
    folder = folder.resolve()
    return find_artifact(folder.parent.parent, folder.parent.name, folder.name)


def _print_checks(checks: list[Check]) -> int:
    """Print the checks and return how many failed."""
    for check in checks:
        sys.stdout.write(f"{'✗' if check.failed else '✓'} {check.text}\n")
    sys.stdout.flush()
    return sum(check.failed for check in checks)


def _versions(root: Path, name: str) -> list[str]:
    return [folder.name for folder in artifact_folders(root, name)]

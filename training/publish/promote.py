"""Move the alias `latest`: `python -m training.publish.promote MODEL VERSION`, and back: `… MODEL --rollback`.

What jobs that name no version get from then on. Running jobs keep the version they were submitted with.
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
from training.evaluation.pace import paces
from training.publish.comparison import Finding, compare


def promote(new: Artifact) -> list[Finding]:
    """Point `latest` at this version unless it is worse than the one it names; returns what was found.

    Nothing moves when a finding is `refused`. Both versions are measured here, side by side. Raises ArtifactError.
    """
    new.verify()
    replaced = replaced_by(new)
    findings = [] if replaced is None else compare_versions(replaced, new)
    if not any(finding.refused for finding in findings):
        point_latest(new)
    return findings


def replaced_by(new: Artifact) -> Artifact | None:
    """The version that `latest` names now; None where there is no alias yet."""
    root, name = new.path.parent.parent, new.manifest.name
    version = pointed_version(root, name)
    return None if version is None else find_artifact(root, name, version)


def compare_versions(old: Artifact, new: Artifact) -> list[Finding]:
    """Compare the manifests, and the speeds of the precisions that both have."""
    shared = [precision for precision in old.manifest.precisions if precision in new.manifest.precisions]
    speeds = {precision: paces([old, new], precision=precision) for precision in shared}
    return compare(
        old.manifest,
        new.manifest,
        old_speed={precision: pair[0] for precision, pair in speeds.items()},
        new_speed={precision: pair[1] for precision, pair in speeds.items()},
    )


def roll_back(root: Path, name: str) -> Artifact:
    """Point `latest` at the version it named before, once its files are verified; nothing is measured."""
    version = pointed_version(root, name, alias=PREVIOUS)
    if version is None:
        known = ", ".join(folder.name for folder in artifact_folders(root, name)) or "none"
        raise ArtifactMissing(f"{name} was never promoted over another version; versions here: {known}")
    artifact = find_artifact(root, name, version)
    artifact.verify()
    point_latest(artifact)
    return artifact


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.publish.promote", description="Make a version the one that jobs get which name none."
    )
    parser.add_argument("model", help="its name, as fashion-mnist, or its folder, as artifacts/fashion-mnist/1.1.0")
    parser.add_argument("version", nargs="?", help="as 1.1.0")
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"), help="where models are published")
    parser.add_argument("--force", action="store_true", help="move the alias whatever the figures say, unmeasured")
    parser.add_argument("--rollback", action="store_true", help="go back to the version that was replaced")
    args = parser.parse_args(argv)
    try:
        done = _roll_back(args) if args.rollback else _promote(args)
    except (ArtifactError, OSError) as error:
        parser.exit(1, f"{error}; the alias was not moved\n")
    if not done:
        parser.exit(1)


def _roll_back(args: argparse.Namespace) -> bool:
    artifact = roll_back(args.artifacts, args.model)
    sys.stdout.write(f"latest {args.model} is {artifact.manifest.version} again\n")
    return True


def _promote(args: argparse.Namespace) -> bool:
    new = _named(args)
    name, version = new.manifest.name, new.manifest.version
    old = pointed_version(new.path.parent.parent, name)
    if old == version:
        sys.stdout.write(f"latest {name} is {version} already\n")
        return True
    if args.force:
        new.verify()
        point_latest(new)
    elif refused := _report(promote(new)):
        sys.stderr.write(
            f"refused: {version} is worse than {old} by {refused} of these; latest {name} stays {old}.\n"
            f"To promote it all the same: --force\n"
        )
        return False
    back = f"; to go back: python -m training.publish.promote {name} --rollback" if old else ""
    sys.stdout.write(f"latest {name} is {version}{f', was {old}' if old else ''}{back}\n")
    return True


def _named(args: argparse.Namespace) -> Artifact:
    if args.version:
        return find_artifact(args.artifacts, args.model, args.version)
    folder = Path(args.model)
    if folder.parent == Path():
        raise ArtifactMissing(f"give a version too, or a folder: {', '.join(_versions(args.artifacts, args.model))}")
    folder = folder.resolve()
    return find_artifact(folder.parent.parent, folder.parent.name, folder.name)


def _report(findings: list[Finding]) -> int:
    for finding in findings:
        sys.stdout.write(f"{'✗' if finding.refused else '✓'} {finding.text}\n")
    sys.stdout.flush()
    return sum(finding.refused for finding in findings)


def _versions(root: Path, name: str) -> list[str]:
    return [folder.name for folder in artifact_folders(root, name)]


if __name__ == "__main__":
    main()

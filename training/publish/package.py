"""Make an artifact of a folder with an ONNX graph: `python -m training package FOLDER`.

The command completes the manifest, computes the digests, and runs the graph once to check that it keeps the contract.
"""

import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import numpy as np

from model.artifact import MANIFEST, Artifact, ArtifactCorrupt, ArtifactError, read_artifact, sha256
from model.engines.load import load_engine
from model.manifest import FORMAT, Manifest
from training.files import atomic_write

LIBRARIES = ("keras", "numpy", "onnx", "onnxruntime", "pillow", "tensorflow", "tf2onnx")
TRIAL_IMAGES = 2
SUM_TOLERANCE = 1e-3


def write_manifest(manifest: Manifest, folder: Path) -> Artifact:
    """Write `manifest.json` with the digests of all files in the folder, and return the artifact."""
    complete = replace(manifest, files=digests(folder))
    with atomic_write(folder / MANIFEST) as part:
        part.write_text(complete.to_json(), "utf-8")
    return read_artifact(folder)


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of the artifact: all but the manifest and hidden files."""
    files = sorted(file for file in folder.iterdir() if file.name != MANIFEST and not file.name.startswith("."))
    return {file.name: sha256(file) for file in files}


def package(folder: Path) -> Artifact:
    """Complete a manifest that has at least `labels`, `input` and `cam`, and check the graphs.

    Name and version are those of the folders, `NAME/VERSION`. The manifest stays as it was when the check fails. Raises
    ArtifactError.
    """
    raw = _read(folder)
    defaults = {
        "format": FORMAT,
        "precisions": {"fp32": {"graph": "model.onnx", "temperature": 1.0, "metrics": {}}},
        "provenance": {"seed": 0, "commit": None, "created_at": timestamp(), "libraries": {}},
    }
    resolved = folder.resolve()
    derived = {"name": resolved.parent.name, "version": resolved.name, "files": digests(folder)}
    before = (folder / MANIFEST).read_bytes()
    with atomic_write(folder / MANIFEST) as part:
        completed = {**defaults, **raw, **derived}
        part.write_text(json.dumps(completed, indent=2, ensure_ascii=False) + "\n", "utf-8")
    try:
        artifact = read_artifact(folder)
        check_graphs(artifact)
    except ArtifactError:
        (folder / MANIFEST).write_bytes(before)
        raise
    return write_manifest(artifact.manifest, folder)


def check_graphs(artifact: Artifact) -> None:
    """Run every precision's graph on noise. Raises ArtifactCorrupt when an output is not what serving needs."""
    size = artifact.manifest.input
    noise = np.random.default_rng(0).integers(0, 256, (TRIAL_IMAGES, size.height, size.width, 3), np.uint8)
    for precision, declared in artifact.manifest.precisions.items():
        probabilities, cam = load_engine(artifact, engine="onnx", precision=precision).infer(noise)
        if np.abs(probabilities.sum(axis=1) - 1).max() > SUM_TOLERANCE or probabilities.min() < 0:
            raise ArtifactCorrupt(
                f"{declared.graph} gives values that are not probabilities; end it with a softmax over the classes"
            )
        if not (np.isfinite(cam).all() and (cam >= 0).all()):
            raise ArtifactCorrupt(f"{declared.graph} gives a CAM with values below 0 or not finite; end it with a ReLU")


def timestamp() -> str:
    """Return the present time in the format of manifests, RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def library_versions() -> dict[str, str]:
    """Return the installed versions of the libraries that make an artifact."""
    return {library: library_version(library) for library in LIBRARIES}


def _read(folder: Path) -> dict[str, Any]:
    try:
        raw = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise ArtifactCorrupt(
            f"{folder} has no {MANIFEST}; write one with labels, input and cam (docs/models.md)"
        ) from None
    except ValueError as error:
        raise ArtifactCorrupt(f"{folder / MANIFEST} is not JSON: {error}") from error
    missing = [key for key in ("labels", "input", "cam") if not isinstance(raw, dict) or key not in raw]
    if missing:
        raise ArtifactCorrupt(f"{folder / MANIFEST} lacks {', '.join(missing)}; add it (docs/models.md)")
    return dict(raw)


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training package` with these arguments."""
    parser = argparse.ArgumentParser(prog="python -m training package", description="Make an artifact of a folder.")
    parser.add_argument("folder", type=Path, help="such as artifacts/my-model/1.0.0, with manifest.json and model.onnx")
    args = parser.parse_args(argv)
    try:
        artifact = package(args.folder)
    except (ArtifactError, OSError) as error:
        parser.exit(1, f"{error}\n")
    manifest = artifact.manifest
    sys.stdout.write(f"packaged {manifest.name}/{manifest.version}: {len(manifest.labels)} labels\n")

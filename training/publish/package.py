"""Make a folder with a graph an artifact: `python -m training.publish.package FOLDER`.

Computes the digests, fills in what can be told from the graph, and runs it once to see that it keeps the contract.
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
from model.engines.interface import load_engine
from model.manifest import FORMAT, Manifest
from training.files import whole

LIBRARIES = ("keras", "numpy", "onnx", "onnxruntime", "pillow", "tensorflow", "tf2onnx")
TRIAL_IMAGES = 2
SUM_TOLERANCE = 1e-3


def seal(manifest: Manifest, folder: Path) -> Artifact:
    """Write the manifest with the digests of all files that lie in the folder now."""
    sealed = replace(manifest, files=digests(folder))
    with whole(folder / MANIFEST) as part:
        part.write_text(sealed.to_json(), "utf-8")
    return read_artifact(folder)


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file but the manifest; hidden files are none of the artifact's."""
    files = sorted(file for file in folder.iterdir() if file.name != MANIFEST and not file.name.startswith("."))
    return {file.name: sha256(file) for file in files}


def complete(folder: Path) -> Artifact:
    """Complete the manifest that a person wrote; name and version are those of the folder's place.

    What must be there are `labels`, `input` and `cam`. Raises ArtifactError.
    """
    raw = _read(folder)
    defaults = {
        "format": FORMAT,
        "precisions": {"fp32": {"graph": "model.onnx", "temperature": 1.0, "metrics": {}}},
        "provenance": {"seed": 0, "commit": None, "created_at": now(), "libraries": {}},
    }
    place = folder.resolve()
    found = {"name": place.parent.name, "version": place.name, "files": digests(folder)}
    before = (folder / MANIFEST).read_bytes()
    with whole(folder / MANIFEST) as part:
        filled = {**defaults, **raw, **found}
        part.write_text(json.dumps(filled, indent=2, ensure_ascii=False) + "\n", "utf-8")
    try:
        artifact = read_artifact(folder)
        check_graphs(artifact)
    except ArtifactError:
        (folder / MANIFEST).write_bytes(before)
        raise
    return seal(artifact.manifest, folder)


def check_graphs(artifact: Artifact) -> None:
    """Run every precision's graph on noise. Raises ArtifactCorrupt when it is not what serving needs."""
    size = artifact.manifest.input
    noise = np.random.default_rng(0).integers(0, 256, (TRIAL_IMAGES, size.height, size.width, 3), np.uint8)
    for precision, promised in artifact.manifest.precisions.items():
        probabilities, cam = load_engine(artifact, engine="onnx", precision=precision).infer(noise)
        if np.abs(probabilities.sum(axis=1) - 1).max() > SUM_TOLERANCE or probabilities.min() < 0:
            raise ArtifactCorrupt(f"{promised.graph} gives no probabilities: end it with a softmax over the classes")
        if not (np.isfinite(cam).all() and (cam >= 0).all()):
            raise ArtifactCorrupt(f"{promised.graph} gives a CAM with values below 0 or not finite: end it with a ReLU")


def now() -> str:
    """This moment, as manifests write it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def installed() -> dict[str, str]:
    """The versions of the libraries that make an artifact."""
    return {library: library_version(library) for library in LIBRARIES}


def _read(folder: Path) -> dict[str, Any]:
    try:
        raw = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        raise ArtifactCorrupt(f"{folder} has no {MANIFEST}; write one with labels, input and cam") from None
    except ValueError as error:
        raise ArtifactCorrupt(f"{folder / MANIFEST} is no JSON: {error}") from error
    missing = [key for key in ("labels", "input", "cam") if not isinstance(raw, dict) or key not in raw]
    if missing:
        raise ArtifactCorrupt(f"{folder / MANIFEST} lacks {', '.join(missing)}")
    return dict(raw)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m training.publish.package", description="Make a folder an artifact."
    )
    parser.add_argument("folder", type=Path, help="as artifacts/my-model/1.0.0, with manifest.json and model.onnx")
    args = parser.parse_args(argv)
    try:
        artifact = complete(args.folder)
    except (ArtifactError, OSError) as error:
        parser.exit(1, f"{error}\n")
    manifest = artifact.manifest
    sys.stdout.write(f"sealed {manifest.name}/{manifest.version}: {len(manifest.labels)} labels\n")


if __name__ == "__main__":
    main()

"""Trained models on disk: `<root>/<name>/<version>/`, immutable once published, and the alias file `latest`.

Beside `latest` lies `previous`: the version that it named before, to go back to.

ArtifactError
├── ArtifactMissing   code artifact_missing    no such model, version, alias or file
├── ArtifactCorrupt   code artifact_corrupt    malformed manifest, or a file whose digest is another
└── ArtifactExists    code artifact_exists     the version is published already
"""

import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from model.manifest import NAME_PATTERN, MalformedManifest, Manifest, parse_manifest

MANIFEST = "manifest.json"
LATEST, PREVIOUS = "latest", "previous"


class ArtifactError(Exception):
    """Something is wrong with a model on disk."""

    code = "artifact_error"


class ArtifactMissing(ArtifactError):
    """There is no such model, version, alias or file."""

    code = "artifact_missing"


class ArtifactCorrupt(ArtifactError):
    """The manifest is malformed, or a file is not the one that was published."""

    code = "artifact_corrupt"


class ArtifactExists(ArtifactError):
    """The version is published; a published version never changes."""

    code = "artifact_exists"


@dataclass(frozen=True)
class Artifact:
    """A published model: its folder and what it says of itself."""

    path: Path
    manifest: Manifest

    def verify(self) -> None:
        """Read every file and compare its digest. Raises ArtifactMissing or ArtifactCorrupt."""
        for name, digest in self.manifest.files.items():
            file = self.path / name
            if not file.is_file():
                raise ArtifactMissing(f"{file} is missing; restore it or publish the model again")
            if sha256(file) != digest:
                raise ArtifactCorrupt(f"{file} is not the file that was published: its SHA-256 differs")


def sha256(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def find_artifact(root: Path, name: str, version: str | None = None) -> Artifact:
    """The model of this name and version, or the one that the alias `latest` names; files are not verified."""
    _check_name(name)
    if version is None or version == LATEST:
        version = aliased_version(root, name)
    _check_name(version)
    artifact = read_artifact(root / name / version)
    if (artifact.manifest.name, artifact.manifest.version) != (name, version):
        raise ArtifactCorrupt(f"{artifact.path} holds another model or version than its folder says")
    return artifact


def list_artifacts(root: Path) -> list[Artifact]:
    """Every published model under `root`, by name, versions ascending. Raises ArtifactCorrupt."""
    return [read_artifact(folder) for folder in artifact_folders(root)]


def artifact_folders(root: Path, name: str = "*") -> list[Path]:
    """The folders of all models of this name, versions ascending; their manifests may be malformed."""
    folders = (manifest.parent for manifest in root.glob(f"{name}/*/{MANIFEST}"))
    return sorted((folder for folder in folders if not folder.name.startswith(".")), key=_in_order)


def read_artifact(folder: Path) -> Artifact:
    """The artifact in this folder, published or not. Raises ArtifactMissing or ArtifactCorrupt."""
    try:
        manifest = parse_manifest((folder / MANIFEST).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactMissing(f"there is no model {folder.name} in {folder.parent}") from None
    except (MalformedManifest, UnicodeDecodeError) as error:
        raise ArtifactCorrupt(f"{folder}: {error}") from error
    return Artifact(folder, manifest)


def publish(staged: Path, root: Path) -> Artifact:
    """Copy a finished artifact to its place under `root`: verified, whole or not at all, never over another."""
    artifact = read_artifact(staged)
    artifact.verify()
    target = unpublished(root, artifact.manifest.name, artifact.manifest.version)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".publish-", dir=target.parent))
    try:
        for name in (*artifact.manifest.files, MANIFEST):
            shutil.copyfile(staged / name, part / name)
        part.chmod(0o755)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return read_artifact(target)


def unpublished(root: Path, name: str, version: str) -> Path:
    """Where this version would go. Raises ArtifactExists if it is published."""
    target = root / name / version
    if target.exists():
        raise ArtifactExists(f"{target} is published and cannot be changed; choose another version")
    return target


def aliased_version(root: Path, name: str) -> str:
    """The version that `latest` names, or the highest one where there is no alias. Raises ArtifactMissing."""
    _check_name(name)
    if (pointed := pointed_version(root, name)) is not None:
        return pointed
    folders = artifact_folders(root, name)
    if not folders:
        raise ArtifactMissing(f"there is no model {name!r} in {root}")
    return folders[-1].name


def pointed_version(root: Path, name: str, *, alias: str = LATEST) -> str | None:
    """What stands in the alias file `latest` or `previous`; None where there is none."""
    try:
        return (root / name / alias).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def point_latest(artifact: Artifact) -> None:
    """Make `latest` name this version, in one step for whoever reads it; what it named becomes `previous`."""
    folder, version = artifact.path.parent, artifact.manifest.version
    replaced = pointed_version(folder.parent, folder.name)
    if replaced == version:
        return
    if replaced is not None:
        _point(folder / PREVIOUS, replaced)
    _point(folder / LATEST, version)


def _point(alias: Path, version: str) -> None:
    part = alias.with_name(f".{alias.name}-{os.getpid()}")
    try:
        part.write_text(f"{version}\n", "utf-8")
        part.replace(alias)
    finally:
        part.unlink(missing_ok=True)


def _check_name(text: str) -> None:
    """Names come from requests: nothing that could leave the root may reach a path."""
    if not NAME_PATTERN.fullmatch(text):
        raise ArtifactMissing(f"there is no model or version {text!r}")


def _in_order(folder: Path) -> tuple[str, list[tuple[bool, int, str]]]:
    """1.10.0 after 1.9.0."""
    parts = re.split(r"[.-]", folder.name)
    return folder.parent.name, [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]

"""Model versions on disk: artifacts in `<root>/<name>/<version>/`, immutable once published, and their aliases.

The alias file `latest` holds the version that jobs get by default. The alias file `previous` holds the version that
`latest` named before, for a rollback.

ArtifactError
├── ArtifactMissing   code artifact_missing    there is no such model, version, alias or file
├── ArtifactCorrupt   code artifact_corrupt    the manifest is malformed, or a file's digest differs
└── ArtifactExists    code artifact_exists     the version is already published
"""

import hashlib
import os
import re
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from model.manifest import NAME_PATTERN, MalformedManifest, Manifest, parse_manifest

MANIFEST = "manifest.json"
LATEST, PREVIOUS = "latest", "previous"


class ArtifactError(Exception):
    """Parent of the errors about model versions on disk."""

    code = "artifact_error"


class ArtifactMissing(ArtifactError):
    """Raised when there is no such model, version, alias or file."""

    code = "artifact_missing"


class ArtifactCorrupt(ArtifactError):
    """Raised when the manifest is malformed or a file is not the one that was published."""

    code = "artifact_corrupt"


class ArtifactExists(ArtifactError):
    """Raised when the version is already published; a published version never changes."""

    code = "artifact_exists"


@dataclass(frozen=True)
class Artifact:
    """A model version on disk: its folder and its manifest."""

    path: Path
    manifest: Manifest

    def verify(self) -> None:
        """Read every file and compare its digest with the manifest. Raises ArtifactMissing or ArtifactCorrupt."""
        for name, digest in self.manifest.files.items():
            file = self.path / name
            if not file.is_file():
                raise ArtifactMissing(f"{file} is missing; restore it or publish the model again")
            if sha256(file) != digest:
                raise ArtifactCorrupt(f"{file} is not the file that was published: its SHA-256 differs")


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def find_artifact(root: Path, name: str, version: str | None = None) -> Artifact:
    """Return the artifact of this name and version; without a version, or with "latest", the one that `latest` names.

    Only the manifest is read; call `Artifact.verify` to check the files. Raises ArtifactMissing or ArtifactCorrupt.
    """
    _check_name(name)
    if version is None or version == LATEST:
        version = aliased_version(root, name)
    _check_name(version)
    artifact = read_artifact(root / name / version)
    if (artifact.manifest.name, artifact.manifest.version) != (name, version):
        raise ArtifactCorrupt(
            f"the manifest in {artifact.path} names {artifact.manifest.name} {artifact.manifest.version}; "
            "name the folders after the model and its version"
        )
    return artifact


def list_artifacts(root: Path) -> list[Artifact]:
    """Return every published artifact under `root`, by name, versions ascending. Raises ArtifactCorrupt."""
    return [read_artifact(folder) for folder in artifact_folders(root)]


def artifact_folders(root: Path, name: str = "*") -> list[Path]:
    """Return the folders of all artifacts of this name, versions ascending; their manifests may be malformed."""
    folders = (manifest.parent for manifest in root.glob(f"{name}/*/{MANIFEST}"))
    return sorted((folder for folder in folders if not folder.name.startswith(".")), key=_version_order)


def read_artifact(folder: Path) -> Artifact:
    """Return the artifact in this folder, published or not. Raises ArtifactMissing or ArtifactCorrupt."""
    try:
        manifest = parse_manifest((folder / MANIFEST).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ArtifactMissing(f"there is no model {folder.name} in {folder.parent}") from None
    except (MalformedManifest, UnicodeDecodeError) as error:
        raise ArtifactCorrupt(f"{folder}: {error}") from error
    return Artifact(folder, manifest)


def publish(staged: Path, root: Path) -> Artifact:
    """Verify a finished artifact and copy it to `<root>/<name>/<version>`, atomically and never over another.

    Raises ArtifactMissing, ArtifactCorrupt or ArtifactExists.
    """
    artifact = read_artifact(staged)
    artifact.verify()
    target = unpublished_path(root, artifact.manifest.name, artifact.manifest.version)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".publish-", dir=target.parent))
    with ExitStack() as on_failure:
        on_failure.callback(shutil.rmtree, part, ignore_errors=True)
        for name in (*artifact.manifest.files, MANIFEST):
            shutil.copyfile(staged / name, part / name)
        part.chmod(0o755)
        part.rename(target)
        on_failure.pop_all()
    return read_artifact(target)


def unpublished_path(root: Path, name: str, version: str) -> Path:
    """Return the folder that this version will be published to. Raises ArtifactExists if it is published."""
    target = root / name / version
    if target.exists():
        raise ArtifactExists(f"{target} is published and cannot be changed; choose another version")
    return target


def aliased_version(root: Path, name: str) -> str:
    """Return the version that `latest` names, or the highest version if there is no alias. Raises ArtifactMissing."""
    _check_name(name)
    if (pointed := pointed_version(root, name)) is not None:
        return pointed
    folders = artifact_folders(root, name)
    if not folders:
        raise ArtifactMissing(f"there is no model {name!r} in {root}")
    return folders[-1].name


def pointed_version(root: Path, name: str, *, alias: str = LATEST) -> str | None:
    """Return the version in the alias file `latest` or `previous`, or None if there is no such file."""
    try:
        return (root / name / alias).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None


def point_latest(artifact: Artifact) -> None:
    """Point `latest` at this version in one atomic step; the version that it named before becomes `previous`."""
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
    """Raise ArtifactMissing for a name that could leave the root: names come from requests and become paths."""
    if not NAME_PATTERN.fullmatch(text):
        raise ArtifactMissing(f"there is no model or version {text!r}")


def _version_order(folder: Path) -> tuple[str, list[tuple[bool, int, str]]]:
    """Sort key by name, then by version number, so that 1.10.0 comes after 1.9.0."""
    parts = re.split(r"[.-]", folder.name)
    return folder.parent.name, [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]

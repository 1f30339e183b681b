"""Artifacts on disk: found, verified, published once."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from model.artifact import (
    MANIFEST,
    Artifact,
    ArtifactCorrupt,
    ArtifactError,
    ArtifactExists,
    ArtifactMissing,
    find_artifact,
    list_artifacts,
    point_latest,
    publish,
    read_artifact,
    sha256,
)
from model.manifest import Manifest, parse_manifest
from tests.model.samples import ROOT, shipped


def staged(folder: Path, *, version: str = "1.0.0", graph: bytes = b"graph") -> Path:
    """A finished artifact outside any root, with a few bytes in place of its graph."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(graph)
    files = {"model.onnx": sha256(folder / "model.onnx")}
    fp32 = {"fp32": shipped().manifest.precisions["fp32"]}
    manifest = replace(shipped().manifest, version=version, precisions=fp32, files=files)
    (folder / MANIFEST).write_text(manifest.to_json(), "utf-8")
    return folder


def published(tmp_path: Path, *versions: str) -> list[Artifact]:
    return [publish(staged(tmp_path / version, version=version), tmp_path / "root") for version in versions]


def test_the_shipped_artifact_verifies() -> None:
    shipped().verify()

    assert len(shipped().manifest.labels) == 10


def test_a_manifest_round_trips_through_json() -> None:
    manifest = shipped().manifest

    assert parse_manifest(manifest.to_json()) == manifest


def test_reading_a_manifest_loads_no_model_library_and_no_numpy() -> None:
    program = (
        "import sys; from pathlib import Path; from model.artifact import list_artifacts;"
        "assert list_artifacts(Path('artifacts'));"
        "print({'keras', 'tensorflow', 'onnx', 'onnxruntime', 'numpy', 'PIL'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_an_artifact_is_found_by_version_and_by_alias(tmp_path: Path) -> None:
    old, new = published(tmp_path, "1.0.0", "1.1.0")
    point_latest(old)

    assert find_artifact(tmp_path / "root", "fashion-mnist", "1.1.0") == new
    assert find_artifact(tmp_path / "root", "fashion-mnist") == old

    point_latest(new)
    assert find_artifact(tmp_path / "root", "fashion-mnist", "latest") == new


def test_models_are_listed_in_the_order_of_their_versions(tmp_path: Path) -> None:
    published(tmp_path, "1.10.0", "1.9.0", "0.1.0")

    versions = [artifact.manifest.version for artifact in list_artifacts(tmp_path / "root")]

    assert versions == ["0.1.0", "1.9.0", "1.10.0"]


def test_a_missing_root_lists_no_artifacts(tmp_path: Path) -> None:
    assert list_artifacts(tmp_path / "nowhere") == []


def test_without_an_alias_the_highest_version_is_the_latest(tmp_path: Path) -> None:
    published(tmp_path, "1.9.0", "1.10.0")

    assert find_artifact(tmp_path / "root", "fashion-mnist").manifest.version == "1.10.0"


@pytest.mark.parametrize("version", ["9.9.9", "..", "../fashion-mnist", "", ".publish-x", "a/b", "a\0b"])
def test_an_unknown_version_is_missing_in_any_spelling(tmp_path: Path, version: str) -> None:
    published(tmp_path, "1.0.0")

    with pytest.raises(ArtifactMissing):
        find_artifact(tmp_path / "root", "fashion-mnist", version)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    (artifact,) = published(tmp_path, "1.0.0")
    (artifact.path / "model.onnx").write_bytes(b"another graph")

    with pytest.raises(ArtifactCorrupt, match=r"model\.onnx"):
        artifact.verify()


def test_a_lost_file_is_missing(tmp_path: Path) -> None:
    (artifact,) = published(tmp_path, "1.0.0")
    (artifact.path / "model.onnx").unlink()

    with pytest.raises(ArtifactMissing):
        artifact.verify()


def test_a_folder_that_was_renamed_is_refused(tmp_path: Path) -> None:
    (artifact,) = published(tmp_path, "1.0.0")
    artifact.path.rename(artifact.path.with_name("2.0.0"))

    with pytest.raises(ArtifactCorrupt):
        find_artifact(tmp_path / "root", "fashion-mnist", "2.0.0")


def test_a_published_version_cannot_be_published_again(tmp_path: Path) -> None:
    (artifact,) = published(tmp_path, "1.0.0")
    other = staged(tmp_path / "other", version="1.0.0", graph=b"another graph")

    with pytest.raises(ArtifactExists):
        publish(other, tmp_path / "root")

    assert (artifact.path / "model.onnx").read_bytes() == b"graph"


def test_a_damaged_artifact_is_not_published_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = staged(tmp_path / "staged")
    (folder / "model.onnx").write_bytes(b"another graph")

    with pytest.raises(ArtifactCorrupt):
        publish(folder, tmp_path / "root")

    assert not list((tmp_path / "root").rglob("*"))


def manifest_with(**changes: object) -> str:
    return json.dumps(json.loads(shipped().manifest.to_json()) | changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        manifest_with(format=2),
        manifest_with(version="../1.0.0"),
        manifest_with(labels=[]),
        manifest_with(files={"../model.onnx": "0" * 64}),
        manifest_with(files={}),
        manifest_with(input={"height": 96}),
        manifest_with(precisions=[]),
    ],
)
def test_a_malformed_manifest_is_corrupt(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, "utf-8")

    with pytest.raises(ArtifactCorrupt):
        read_artifact(tmp_path)


def test_a_renamed_manifest_key_is_refused_with_its_present_name(tmp_path: Path) -> None:
    text = shipped().manifest.to_json().replace('"color"', '"colour"')
    (tmp_path / MANIFEST).write_text(text, "utf-8")

    with pytest.raises(ArtifactCorrupt, match=r"input\.colour is now input\.color"):
        read_artifact(tmp_path)


def test_every_error_has_a_code_of_its_own() -> None:
    errors = (ArtifactMissing, ArtifactCorrupt, ArtifactExists)

    assert [error.code for error in errors] == ["artifact_missing", "artifact_corrupt", "artifact_exists"]
    assert all(issubclass(error, ArtifactError) for error in errors)


def test_metrics_are_listed_by_precision() -> None:
    manifest: Manifest = shipped().manifest

    assert manifest.metrics["fp32"]["accuracy"] >= 0.90
    assert manifest.metrics["fp32"]["images"] == 10_000

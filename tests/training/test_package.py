"""Packaging a graph as an artifact, by the steps in docs/models.md; violations of the contract are named."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from model.artifact import MANIFEST, ArtifactCorrupt, find_artifact
from model.engines.load import load_engine
from tests.model.samples import ROOT
from training.publish.package import main, package


def code_block(language: str) -> str:
    """The first code block of this language in docs/models.md."""
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / "models.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The documented folder before it is packaged."""
    made = tmp_path / "artifacts" / "brightness" / "1.0.0"
    made.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    exec(compile(code_block("python"), "docs/models.md", "exec"), {})  # noqa: S102 - code of this repository
    (made / MANIFEST).write_text(code_block("json"), "utf-8")
    return made


def test_the_documented_model_is_served_after_packaging(folder: Path) -> None:
    main([str(folder)])

    artifact = find_artifact(folder.parent.parent, "brightness")
    shades = np.stack([np.full((32, 32, 3), shade, np.uint8) for shade in (10, 240)])
    probabilities, cam = load_engine(artifact).infer(shades)
    assert [artifact.manifest.labels[best] for best in probabilities.argmax(axis=1)] == ["dark", "light"]
    assert cam.shape == (2, 32, 32)


def test_packaging_again_changes_nothing(folder: Path) -> None:
    package(folder)
    before = (folder / MANIFEST).read_bytes()

    package(folder)

    assert (folder / MANIFEST).read_bytes() == before


NEGATIVE = "less = Neg(shades) cam = ReduceMean<axes = [3], keepdims = 0>(less)"


def rewrite(folder: Path, old: str, new: str) -> None:
    """Replace a part of the documented graph."""
    text = code_block("python").split('"""')[1]
    assert old in text
    onnx.save(onnx.parser.parse_model(text.replace(old, new)), folder / "model.onnx")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("probabilities", "scores", "no output 'probabilities'"),
        ("images", "pictures", "unknown input 'pictures'"),
        ("uint8[N", "float[N", r"'images' is tensor\(float\), not tensor\(uint8\)"),
        ("uint8[N,32", "uint8[N,48", r"'images' is \['N', 48, 32, 3\], not \[N, 32, 32, 3\]"),
        ("[N,", "[1,", "takes 1 images at a time; leave its first axis open"),
        ("float {1.0}", "float {2.0}", "values that are not probabilities"),
        ("cam = ReduceMean<axes = [3], keepdims = 0>(shades)", NEGATIVE, "CAM with values below 0"),
    ],
)
def test_a_violation_of_the_contract_is_named(folder: Path, old: str, new: str, reason: str) -> None:
    rewrite(folder, old, new)

    with pytest.raises(ArtifactCorrupt, match=reason):
        package(folder)

    assert (folder / MANIFEST).read_text("utf-8") == code_block("json")


def test_a_file_that_is_not_a_graph_is_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a graph")

    with pytest.raises(ArtifactCorrupt, match="not a graph that ONNX Runtime can run"):
        package(folder)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "has no manifest.json"),
        ("{", "not JSON"),
        ('{"labels": ["a", "b"]}', "lacks input, cam"),
        (json.dumps({"labels": ["a", "b", "c"]} | {"input": {"height": 32, "width": 32}, "cam": {}}), "malformed"),
    ],
)
def test_an_incomplete_manifest_is_refused(folder: Path, manifest: str | None, reason: str) -> None:
    (folder / MANIFEST).unlink()
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)

    with pytest.raises(ArtifactCorrupt, match=reason):
        package(folder)

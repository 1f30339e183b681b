"""Anyone's graph becomes an artifact by the steps in docs/models.md; a wrong one is told what is wrong with it."""

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

from model.artifact import MANIFEST, ArtifactCorrupt, find_artifact
from model.engines.interface import load_engine
from tests.model.samples import ROOT
from training.publish.package import complete, main


def passage(language: str) -> str:
    """The first code of this language in the documentation."""
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "docs" / "models.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a reader of the documentation has before sealing."""
    made = tmp_path / "artifacts" / "brightness" / "1.0.0"
    made.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    exec(compile(passage("python"), "docs/models.md", "exec"), {})  # noqa: S102 - the documentation is ours
    (made / MANIFEST).write_text(passage("json"), "utf-8")
    return made


def test_the_documented_model_is_served_once_it_is_sealed(folder: Path) -> None:
    main([str(folder)])

    artifact = find_artifact(folder.parent.parent, "brightness")
    shades = np.stack([np.full((32, 32, 3), shade, np.uint8) for shade in (10, 240)])
    probabilities, cam = load_engine(artifact).infer(shades)
    assert [artifact.manifest.labels[best] for best in probabilities.argmax(axis=1)] == ["dark", "light"]
    assert cam.shape == (2, 32, 32)


def test_sealing_again_changes_nothing(folder: Path) -> None:
    complete(folder)
    before = (folder / MANIFEST).read_bytes()

    complete(folder)

    assert (folder / MANIFEST).read_bytes() == before


NEGATIVE = "less = Neg(shades) cam = ReduceMean<axes = [3], keepdims = 0>(less)"


def rewrite(folder: Path, old: str, new: str) -> None:
    """The documented graph with another text."""
    text = passage("python").split('"""')[1]
    assert old in text
    onnx.save(onnx.parser.parse_model(text.replace(old, new)), folder / "model.onnx")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("probabilities", "scores", "no output 'probabilities'"),
        ("images", "pictures", "takes 'pictures', which nobody gives"),
        ("uint8[N", "float[N", r"'images' is tensor\(float\), not tensor\(uint8\)"),
        ("uint8[N,32", "uint8[N,48", r"'images' is \['N', 48, 32, 3\], not \[N, 32, 32, 3\]"),
        ("[N,", "[1,", "takes 1 images at a time; leave its first axis open"),
        ("float {1.0}", "float {2.0}", "gives no probabilities"),
        ("cam = ReduceMean<axes = [3], keepdims = 0>(shades)", NEGATIVE, "CAM with values below 0"),
    ],
)
def test_a_graph_that_breaks_the_contract_is_told_how(folder: Path, old: str, new: str, reason: str) -> None:
    rewrite(folder, old, new)

    with pytest.raises(ArtifactCorrupt, match=reason):
        complete(folder)

    assert (folder / MANIFEST).read_text("utf-8") == passage("json")


def test_what_is_no_graph_is_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a graph")

    with pytest.raises(ArtifactCorrupt, match="no graph that ONNX Runtime can run"):
        complete(folder)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "has no manifest.json"),
        ("{", "no JSON"),
        ('{"labels": ["a", "b"]}', "lacks input, cam"),
        (json.dumps({"labels": ["a", "b", "c"]} | {"input": {"height": 32, "width": 32}, "cam": {}}), "malformed"),
    ],
)
def test_a_manifest_that_says_too_little_is_refused(folder: Path, manifest: str | None, reason: str) -> None:
    (folder / MANIFEST).unlink()
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)

    with pytest.raises(ArtifactCorrupt, match=reason):
        complete(folder)

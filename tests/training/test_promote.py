"""Promotion of a version that is not worse, refusal of others, and rollback."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from model.artifact import PREVIOUS, Artifact, find_artifact, point_latest, pointed_version, publish
from model.manifest import Manifest
from tests.model.samples import shipped
from training.publish.comparison import compare
from training.publish.package import write_manifest
from training.publish.promote import main

METRICS = {
    "images": 10_000.0,
    "accuracy": 0.95,
    "calibration_error": 0.010,
    "faithfulness": 0.3,
    "faithfulness_margin": 0.1,
    "cam_sanity": 0.2,
}


def manifest(figures: Mapping[str, float] = MappingProxyType({}), *, version: str = "1.0.0") -> Manifest:
    """The shipped model's manifest with other metrics."""
    fp32 = shipped().manifest.precisions["fp32"]
    return replace(
        shipped().manifest, version=version, precisions={"fp32": replace(fp32, metrics=METRICS | dict(figures))}
    )


def failures(old: Manifest, new: Manifest, *, throughputs: tuple[float, float] = (1000, 1000)) -> list[str]:
    checks = compare(old, new, old_throughputs={"fp32": throughputs[0]}, new_throughputs={"fp32": throughputs[1]})
    return [check.text for check in checks if check.failed]


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"accuracy": 0.947}, "fp32 accuracy: 0.9500 → 0.9470, worse by more than 0.002"),
        ({"calibration_error": 0.016}, "fp32 calibration error: 0.0100 → 0.0160"),
        ({"faithfulness": 0.27}, "fp32 faithfulness: 0.3000 → 0.2700"),
        ({"faithfulness_margin": 0.07}, "faithfulness above random maps"),
        ({"cam_sanity": 0.4}, "0.2000 → 0.4000"),
    ],
)
def test_a_version_that_is_worse_in_one_metric_fails_that_check(figures: dict[str, float], message: str) -> None:
    (failure,) = failures(manifest(), manifest(figures))

    assert message in failure


def test_an_equal_or_better_version_fails_no_check() -> None:
    better = {"accuracy": 0.96, "calibration_error": 0.001, "faithfulness": 0.5, "cam_sanity": -0.1}

    assert failures(manifest(), manifest()) == []
    assert failures(manifest(), manifest({"accuracy": 0.9481})) == []
    assert failures(manifest(), manifest(better), throughputs=(1000, 901)) == []


def test_a_slower_version_fails() -> None:
    assert failures(manifest(), manifest(), throughputs=(1000, 890)) == [
        "fp32 images/s: 1,000 → 890, worse by more than 10%"
    ]


def test_a_metric_that_only_the_old_version_lacks_passes() -> None:
    fp32 = manifest().precisions["fp32"]
    without = {key: value for key, value in METRICS.items() if key != "faithfulness"}
    unmeasured = replace(manifest(), precisions={"fp32": replace(fp32, metrics=without)})

    assert failures(unmeasured, manifest()) == []
    assert failures(manifest(), unmeasured) == ["fp32 faithfulness: 0.3000 → unknown, not measured for the new version"]


def test_other_labels_and_a_missing_precision_fail() -> None:
    fp32 = manifest().precisions["fp32"]
    both = replace(manifest(), precisions={"fp32": fp32, "int8": fp32})
    other = replace(manifest(), labels=("cat", "dog"))

    assert failures(both, manifest()) == ["precision int8: the new version lacks it, and jobs may ask for it"]
    assert "labels" in failures(manifest(), other)[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two versions of one model, of which `latest` is the older and better."""
    versions = [
        released(tmp_path, manifest(version="1.0.0")),
        released(tmp_path, manifest({"accuracy": 0.9}, version="1.1.0")),
    ]
    point_latest(versions[0])
    return tmp_path / "artifacts"


def released(folder: Path, manifest: Manifest) -> Artifact:
    """The shipped graph under this manifest."""
    staged = folder / manifest.version
    staged.mkdir()
    (staged / "model.onnx").write_bytes((shipped().path / "model.onnx").read_bytes())
    return publish(write_manifest(manifest, staged).path, folder / "artifacts")


def run(root: Path, *arguments: str) -> int:
    try:
        main(["--artifacts", str(root), *arguments])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_a_worse_version_is_refused_with_reasons_and_promoted_by_force(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.evaluation.throughput.REPETITION_S", 0.02)

    assert run(root, "fashion-mnist", "1.1.0") == 1
    printed = capsys.readouterr()
    assert "✗ fp32 accuracy: 0.9500 → 0.9000" in printed.out
    assert "--force" in printed.err
    assert find_artifact(root, "fashion-mnist").manifest.version == "1.0.0"

    assert run(root, "fashion-mnist", "1.1.0", "--force") == 0
    assert find_artifact(root, "fashion-mnist").manifest.version == "1.1.0"


def test_a_rollback_restores_the_replaced_version_and_a_second_one_undoes_it(root: Path) -> None:
    run(root, "fashion-mnist", "1.1.0", "--force")

    assert run(root, "fashion-mnist", "--rollback") == 0
    assert pointed_version(root, "fashion-mnist") == "1.0.0"

    assert run(root, "fashion-mnist", "--rollback") == 0
    assert pointed_version(root, "fashion-mnist") == "1.1.0"
    assert pointed_version(root, "fashion-mnist", alias=PREVIOUS) == "1.0.0"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fashion-mnist", "--rollback"], "no previous version to roll back to; published versions: 1.0.0, 1.1.0"),
        (["fashion-mnist", "9.9.9", "--force"], "there is no model 9.9.9"),
        (["fashion-mnist"], "fashion-mnist needs a version; published versions: 1.0.0, 1.1.0"),
        (["../x", "1.0.0"], "there is no model or version"),
    ],
)
def test_a_failed_promotion_leaves_the_alias(
    root: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, *arguments) == 1

    assert message in capsys.readouterr().err
    assert pointed_version(root, "fashion-mnist") == "1.0.0"


def test_a_damaged_version_is_not_promoted_even_by_force(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "fashion-mnist" / "1.1.0" / "model.onnx").write_bytes(b"damaged")

    assert run(root, "fashion-mnist", "1.1.0", "--force") == 1

    assert "SHA-256 differs; the alias was not moved" in capsys.readouterr().err


def test_a_folder_names_a_version(root: Path) -> None:
    assert run(root, str(root / "fashion-mnist" / "1.1.0"), "--force") == 0

    assert pointed_version(root, "fashion-mnist") == "1.1.0"

"""Training, exporting and serving a tiny model on sample images, end to end."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from PIL import Image

from model.artifact import Artifact, find_artifact, pointed_version
from model.backbones import DEFAULT_BACKBONE
from model.engines.load import load_engine
from model.explanation.cam import load_tail, served_cam
from tests.http import all_items, ended, submit
from tests.model.samples import sample_files, sample_grays, sample_labels, shipped
from tests.stacks import RunningStack, run_stack
from training.data.dataset import Dataset, read_dataset
from training.data.examples import DatasetError, Examples
from training.data.fashion_mnist import LABELS
from training.data.serving import decode_as_served
from training.fit.trainer import train
from training.publish.draft import with_input_size, write_draft
from training.publish.export import export, main, next_version
from training.publish.quantize import float_nodes, rescale_temperature
from training.run.plan import Plan, Stage

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.timeout(300),
]

SIZE = 64


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The samples of five classes, a folder each."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, (gray, label) in enumerate(zip(sample_grays(), sample_labels(), strict=True)):
        if label < 5:
            (folder / str(label)).mkdir(exist_ok=True)
            Image.fromarray(gray).save(folder / str(label) / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, pictures: Path, tiny: str) -> Path:
    """A run of a tiny network on a folder of images."""
    out = tmp_path_factory.mktemp("runs") / "clothes"
    plan = Plan(backbone=tiny, stages=(Stage(SIZE, 6),), batch_size=16, average_steps=10)
    train(
        read_dataset(f"folder:{pictures}", "train", size=SIZE, seed=plan.seed),
        plan=plan,
        run=out,
        weights=None,
        resume=False,
    )
    return out


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def artifact(run: Path, root: Path) -> Artifact:
    main(["--run", str(run), "--artifacts", str(root)])
    return find_artifact(root, "clothes")


@pytest.fixture(scope="module")
def serving(artifact: Artifact, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A running stack whose only model is the exported one."""
    settings = {"BATCHLIGHT_ARTIFACTS_DIR": str(root), "BATCHLIGHT_DEFAULT_MODEL": artifact.manifest.name}
    with run_stack(tmp_path_factory.mktemp("stack"), environment=settings) as running:
        yield running


def test_the_first_published_version_verifies_and_is_latest(artifact: Artifact, root: Path) -> None:
    artifact.verify()

    assert artifact.manifest.labels == ("0", "1", "2", "3", "4")
    assert artifact.manifest.metrics["fp32"]["images"] == 30
    assert artifact.manifest.metrics["fp32"].keys() >= {"faithfulness", "faithfulness_margin", "cam_sanity"}
    assert pointed_version(root, "clothes") == "1.0.0"
    assert next_version(root, "clothes") == "1.1.0"
    assert next_version(root, "another") == "1.0.0"


def test_a_later_version_is_not_latest_before_its_promotion(artifact: Artifact, run: Path, root: Path) -> None:
    main(["--run", str(run), "--artifacts", str(root), "--version", "0.9.0", "--no-int8"])

    assert list(find_artifact(root, "clothes", "0.9.0").manifest.precisions) == ["fp32"]
    assert find_artifact(root, "clothes") == artifact


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_a_worker_serves_it_in_every_precision(serving: RunningStack, precision: str) -> None:
    images = {file.name: file.read_bytes() for file in sample_files()[:20]}

    with serving.client() as client:
        job = ended(client, submit(client, images, model=f"clothes/latest/{precision}"))
        items = all_items(client, job)

    assert job["counts"]["succeeded"] == 20
    assert job["model"] == {"name": "clothes", "version": "1.0.0", "precision": precision}
    assert {item["label"] for item in items} <= {"0", "1", "2", "3", "4"}


def test_a_job_that_asks_for_no_precision_gets_fp32(serving: RunningStack) -> None:
    with serving.client() as client:
        job = submit(client, {"one.png": sample_files()[0].read_bytes()})

        assert ended(client, job)["model"]["precision"] == "fp32"


def test_int8_agrees_with_fp32(artifact: Artifact) -> None:
    pixels = decode_as_served(sample_grays()[:60], artifact.manifest.input)

    plain, small = (load_engine(artifact, precision=kind).infer(pixels) for kind in ("fp32", "int8"))

    assert (plain.probabilities.argmax(axis=1) == small.probabilities.argmax(axis=1)).mean() >= 0.9
    assert np.abs(plain.probabilities - small.probabilities).max() < 0.2
    assert artifact.manifest.metrics["int8"]["cam_correlation"] >= 0.95


def test_convolutions_are_quantized_and_the_cam_is_not(artifact: Artifact) -> None:
    plain, small = (onnx.load(artifact.path / name) for name in ("model.onnx", "model.int8.onnx"))
    kept = set(float_nodes(plain))

    assert [node.name in kept for node in plain.graph.node if node.op_type == "Conv"] == [True] * 3 + [False] * 2
    assert any(node.op_type == "QuantizeLinear" for node in small.graph.node)
    assert all(node.name in kept for node in plain.graph.node if node.op_type in {"Softmax", "TopK"})


def test_the_temperature_of_a_graph_is_rescaled(artifact: Artifact, tmp_path: Path) -> None:
    folder = shutil.copytree(artifact.path, tmp_path / "copy")
    pixels = decode_as_served(sample_grays()[:20], artifact.manifest.input)
    before = load_engine(artifact, engine="onnx").infer(pixels).probabilities

    rescale_temperature(folder / "model.onnx", 2.0)

    copy = Artifact(folder, replace(artifact.manifest, files={}))
    after = load_engine(copy, engine="onnx").infer(pixels).probabilities
    expected = np.sqrt(before) / np.sqrt(before).sum(axis=1, keepdims=True)
    assert np.allclose(after, expected, atol=1e-4)


def test_the_card_states_the_metrics_of_this_model(artifact: Artifact) -> None:
    card = (artifact.path / "card.md").read_text("utf-8")

    assert f"accuracy {artifact.manifest.metrics['fp32']['accuracy']}" in card
    assert "Tiny at 64×64 pixels" in card
    assert "| int8 |" in card
    assert "Fashion-MNIST" not in card


def test_a_version_is_published_once(artifact: Artifact, run: Path, root: Path) -> None:
    with pytest.raises(SystemExit):
        main(["--run", str(run), "--artifacts", str(root), "--version", "1.0.0"])

    assert find_artifact(root, "clothes") == artifact


def test_exporting_with_other_images_than_the_run_was_trained_on_is_refused(
    run: Path, pictures: Path, tmp_path: Path
) -> None:
    dataset = read_dataset(f"folder:{pictures}", "train", size=SIZE, seed=20)
    other = replace(dataset, examples=Examples(dataset.examples.images + np.uint8(1), dataset.examples.labels))

    with pytest.raises(DatasetError, match="other images of"):
        export(run, tmp_path, name="clothes", version="1.0.0", training=other, test=dataset.examples)

    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_no_files(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)

    with pytest.raises(SystemExit):
        main(["--run", str(run), "--artifacts", str(tmp_path), "--no-int8"])

    assert "No space left on device; nothing was published" in capsys.readouterr().err
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_exporting_on_another_backend_than_tensorflow_is_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")

    with pytest.raises(SystemExit):
        main(["--run", str(run), "--artifacts", str(tmp_path)])

    assert "run it without KERAS_BACKEND; nothing was published" in capsys.readouterr().err


def test_a_folder_without_a_run_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--run", str(tmp_path / "nowhere"), "--artifacts", str(tmp_path)])

    assert "nowhere" in capsys.readouterr().err


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory, samples: Dataset) -> Artifact:
    """A draft of the shipped network at a smaller input size."""
    trained = keras.saving.load_model(shipped().path / "model.keras", compile=False)
    smaller, folder = with_input_size(trained, SIZE, backbone=DEFAULT_BACKBONE), tmp_path_factory.mktemp("mobilenet")
    few = samples.examples.take(np.arange(40))
    return write_draft(smaller, Plan(), few, folder=folder, name="mobilenet", version="1.0.0", labels=LABELS)


def test_the_graph_of_mobilenet_gives_the_cam_of_the_formula(mobilenet: Artifact) -> None:
    engine = load_engine(mobilenet, engine="onnx")
    images = decode_as_served(sample_grays()[:40], mobilenet.manifest.input)

    probabilities, cam = engine.infer(images)

    expected = served_cam(engine.features(images), load_tail(mobilenet.path / "tail.npz"))
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert cam.shape == (40, mobilenet.manifest.cam.height, mobilenet.manifest.cam.width) == (40, 2, 2)
    assert np.allclose(cam, expected, atol=1e-4)

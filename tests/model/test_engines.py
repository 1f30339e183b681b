"""Both engines on the shipped model and real pictures."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from model.arrays import Images
from model.artifact import ArtifactCorrupt, read_artifact
from model.engines.interface import CPU_BATCH, Engine, EngineUnavailable
from model.engines.keras import GPU_AHEAD
from model.engines.load import load_engine
from model.engines.processor import has_vnni
from model.explanation.cam import load_tail, logits, preactivations, served_cam
from tests.model.samples import ROOT, sample_labels, sample_pixels, shipped

AGREEMENT = 1e-4


@cache
def loaded(name: str) -> Engine:
    return load_engine(shipped(), engine=name, threads=2, batch_size=64)


@pytest.fixture(params=["onnx", "keras"])
def engine(request: pytest.FixtureRequest) -> Engine:
    return loaded(request.param)


def test_probabilities_are_probabilities_and_cams_are_not_negative(engine: Engine) -> None:
    probabilities, cam = engine.infer(sample_pixels())

    assert probabilities.shape == (300, 10)
    assert cam.shape == (300, 3, 3)
    assert probabilities.dtype == cam.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.isfinite(cam).all()
    assert (cam >= 0).all()


def test_accuracy_on_the_samples_matches_the_manifest(engine: Engine) -> None:
    stated = shipped().manifest.metrics["fp32"]["accuracy"]

    accuracy = (engine.infer(sample_pixels()).probabilities.argmax(axis=1) == sample_labels()).mean()

    # Four standard errors of 300 images lie below; a broken export is far below.
    assert accuracy >= stated - 4 * np.sqrt(stated * (1 - stated) / 300)


def test_both_engines_give_the_same_probabilities() -> None:
    onnx, keras = (loaded(name).infer(sample_pixels()) for name in ("onnx", "keras"))

    assert np.abs(onnx.probabilities - keras.probabilities).max() <= AGREEMENT


def test_the_cam_of_the_graph_equals_the_numpy_formula(engine: Engine) -> None:
    tail = load_tail(shipped().path / "tail.npz")
    images = sample_pixels()[:100]
    features = engine.features(images)

    scores = logits(preactivations(features, tail), tail)
    expected = served_cam(features, tail)

    probabilities, cam = engine.infer(images)
    assert np.array_equal(scores.argmax(axis=1), probabilities.argmax(axis=1))
    assert np.median(np.abs(cam - expected)) <= 1e-5
    assert (np.abs(cam - expected).max(axis=(1, 2)) <= 1e-4).mean() >= 0.99


@pytest.mark.parametrize(("flags", "exact"), [("fma avx2 avx_vnni", True), ("fma avx2", False)])
def test_vnni_is_detected_from_the_cpu_flags(tmp_path: Path, flags: str, exact: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"model name\t: any\nflags\t\t: {flags}\n")

    assert has_vnni(tmp_path / "cpuinfo") == exact
    assert not has_vnni(tmp_path / "nowhere")


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65])
def test_any_number_of_images_gives_one_result_per_image(engine: Engine, count: int) -> None:
    whole = engine.infer(sample_pixels()[:65])

    part = engine.infer(sample_pixels()[:count])

    assert part.probabilities.shape == (count, 10)
    assert part.cam.shape == (count, 3, 3)
    assert np.allclose(part.probabilities, whole.probabilities[:count], atol=1e-5)


def test_infer_each_returns_the_batches_of_a_stream_in_order(engine: Engine) -> None:
    images = sample_pixels()[:70]
    whole = engine.infer(images)

    tagged = list(engine.infer_each([("a", images[:64]), ("b", images[64:64]), ("c", images[64:])]))

    assert [(tag, len(inference.cam)) for tag, inference in tagged] == [("a", 64), ("b", 0), ("c", 6)]
    assert np.allclose(np.concatenate([part.probabilities for _, part in tagged]), whole.probabilities, atol=1e-5)


def test_the_gpu_receives_two_further_batches_before_the_first_result(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = load_engine(shipped(), engine="keras", batch_size=4)
    monkeypatch.setattr(engine, "_ahead", GPU_AHEAD)
    images, taken = sample_pixels()[:40], list[int]()

    def batches() -> Iterator[tuple[int, Images]]:
        for start in range(0, len(images), 4):
            taken.append(start)
            yield start, images[start : start + 4]

    inferences = engine.infer_each(batches())
    _, first = next(inferences)

    assert taken == [0, 4, 8]
    rest = [inference.probabilities for _, inference in inferences]
    assert np.array_equal(np.concatenate([first.probabilities, *rest]), engine.infer(images).probabilities)


@pytest.mark.parametrize("name", ["onnx", "keras"])
def test_the_default_batch_size_suits_the_device(name: str) -> None:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has a GPU")

    assert load_engine(shipped(), engine=name).batch_size == CPU_BATCH


def test_a_black_image_gives_finite_results(engine: Engine) -> None:
    probabilities, cam = engine.infer(np.zeros((1, 96, 96, 3), np.uint8))

    assert np.isfinite(probabilities).all()
    assert np.isfinite(cam).all()


def test_loading_refuses_a_graph_whose_digest_differs(tmp_path: Path) -> None:
    folder = shutil.copytree(shipped().path, tmp_path / "model")
    graph = bytearray((folder / "model.onnx").read_bytes())
    graph[len(graph) // 2] ^= 1
    (folder / "model.onnx").write_bytes(graph)

    with pytest.raises(ArtifactCorrupt):
        load_engine(read_artifact(folder), engine="onnx")


@pytest.mark.parametrize(("engine_name", "precision"), [("tensorrt", "fp32"), ("onnx", "int4")])
def test_an_unknown_engine_or_precision_is_unavailable(engine_name: str, precision: str) -> None:
    with pytest.raises(EngineUnavailable):
        load_engine(shipped(), engine=engine_name, precision=precision)


def test_a_machine_without_a_gpu_chooses_onnx_without_loading_tensorflow() -> None:
    program = (
        "import sys; from model.engines.load import choose_engine; print(choose_engine(), 'tensorflow' in sys.modules)"
    )
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has a GPU")

    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["onnx", "False"]

"""The engine alone: its speed with and without the CAM, and in int8 against fp32."""

import time
from functools import cache
from pathlib import Path

import numpy as np
import onnx.utils
import onnxruntime
from numpy.typing import NDArray

from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from bench.harness.results import NotMeasured, Results, paired_ratio
from model.decode import decode
from model.engines.interface import Engine
from model.engines.load import load_engine
from model.manifest import InputContract

BATCH_SIZE = 16
MAX_DISTINCT_IMAGES = 256
WITH_CAM, WITHOUT_CAM = ["probabilities", "cam"], ["probabilities"]


def cam_speed_ratio(harness: BenchHarness) -> Results:
    """Measure the serving graph against a copy of its file without the CAM branch."""
    with_cam = _session(_graph(harness))
    images = decoded_images(harness.sizes.engine_images, harness.artifact.manifest.input)
    speed_ratio = paired_ratio(
        lambda: _rate(with_cam, WITH_CAM, images),
        lambda: rate_without_cam(harness, images),
        pairs=harness.sizes.pairs,
        names=("with_cam_images_per_s", "without_cam_images_per_s"),
    )
    return {"cam_speed_ratio": speed_ratio}


def int8_gain(harness: BenchHarness) -> Results:
    """Measure the int8 engine against the fp32 engine, both with the CAM."""
    manifest = harness.artifact.manifest
    if "int8" not in manifest.precisions:
        precisions = ", ".join(manifest.precisions)
        return {"int8_gain": NotMeasured(f"{manifest.name} {manifest.version} has no int8 graph, only {precisions}")}
    int8, fp32 = (load_engine(harness.artifact, precision=name, engine="onnx") for name in ("int8", "fp32"))
    images = decoded_images(harness.sizes.engine_images, manifest.input)
    gain = paired_ratio(
        lambda: engine_rate(int8, images),
        lambda: engine_rate(fp32, images),
        pairs=harness.sizes.pairs,
        names=("int8_images_per_s", "fp32_images_per_s"),
    )
    return {"int8_gain": gain}


def decoded_images(count: int, size: InputContract) -> NDArray[np.uint8]:
    """Return `count` decoded samples `[N, height, width, 3]`."""
    samples = small_images(min(count, MAX_DISTINCT_IMAGES))
    decoded = [decode(data, height=size.height, width=size.width).pixels for data in samples]
    return np.stack([decoded[number % len(decoded)] for number in range(count)])


def engine_rate(engine: Engine, images: NDArray[np.uint8]) -> float:
    """Return images/s of one thread over images `[N, height, width, 3]`."""
    started_s = time.perf_counter()
    engine.infer(images)
    return len(images) / (time.perf_counter() - started_s)


def rate_without_cam(harness: BenchHarness, images: NDArray[np.uint8]) -> float:
    """Return images/s of one thread over the graph that has no CAM branch."""
    session = _session_without_cam(_graph(harness), harness.folder / "without-cam.onnx")
    return _rate(session, WITHOUT_CAM, images)


def _graph(harness: BenchHarness) -> Path:
    return harness.artifact.path / harness.artifact.manifest.precisions["fp32"].graph


@cache
def _session_without_cam(graph: Path, target: Path) -> onnxruntime.InferenceSession:
    """A session over the part of `graph` that computes the probabilities, which is written to `target`."""
    onnx.utils.extract_model(str(graph), str(target), ["images"], WITHOUT_CAM)
    return _session(target)


def _session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _rate(session: onnxruntime.InferenceSession, outputs: list[str], images: NDArray[np.uint8]) -> float:
    started_s = time.perf_counter()
    for start in range(0, len(images), BATCH_SIZE):
        session.run(outputs, {"images": images[start : start + BATCH_SIZE]})
    return len(images) / (time.perf_counter() - started_s)

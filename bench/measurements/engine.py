"""The engine alone: what the CAM costs, what int8 gains."""

import time
from functools import cache
from pathlib import Path

import numpy as np
import onnx.utils
import onnxruntime
from numpy.typing import NDArray

from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from bench.harness.results import Findings, Missing, paired
from model.decode import decode
from model.engines.interface import Engine
from model.engines.load import load_engine
from model.manifest import InputContract

BATCH = 16
WITHOUT_CAM = ["probabilities"]


def cam_cost(ground: Ground) -> Findings:
    """The serving graph against the same graph exported without the CAM: its branch is cut out of the file."""
    whole = _session(_graph(ground))
    images = pixels(ground.sizes.engine_images, ground.artifact.manifest.input)
    found = paired(
        lambda: _rate(whole, ["probabilities", "cam"], images),
        lambda: bare_rate(ground, images),
        pairs=ground.sizes.pairs,
        names=("with_cam_images_per_s", "without_images_per_s"),
    )
    return {"cam_cost": found}


def int8_gain(ground: Ground) -> Findings:
    precisions = ground.artifact.manifest.precisions
    if "int8" not in precisions:
        version = f"{ground.artifact.manifest.name} {ground.artifact.manifest.version}"
        return {"int8_gain": Missing(f"{version} has the precisions {', '.join(precisions)} only")}
    engines = [load_engine(ground.artifact, precision=name, engine="onnx") for name in ("int8", "fp32")]
    images = pixels(ground.sizes.engine_images, ground.artifact.manifest.input)
    found = paired(
        lambda: engine_rate(engines[0], images),
        lambda: engine_rate(engines[1], images),
        pairs=ground.sizes.pairs,
        names=("int8_images_per_s", "fp32_images_per_s"),
    )
    return {"int8_gain": found}


def pixels(count: int, size: InputContract) -> NDArray[np.uint8]:
    """So many decoded samples `[N, height, width, 3]`."""
    decoded = [decode(data, height=size.height, width=size.width).pixels for data in small_images(min(count, 256))]
    return np.stack([decoded[number % len(decoded)] for number in range(count)])


def engine_rate(engine: Engine, images: NDArray[np.uint8]) -> float:
    """Images/s of one thread."""
    started_s = time.perf_counter()
    engine.infer(images)
    return len(images) / (time.perf_counter() - started_s)


def bare_rate(ground: Ground, images: NDArray[np.uint8]) -> float:
    """Images/s of one thread over the graph that has no CAM."""
    return _rate(_bare_session(_graph(ground), ground.folder / "without-cam.onnx"), WITHOUT_CAM, images)


def _graph(ground: Ground) -> Path:
    return ground.artifact.path / ground.artifact.manifest.precisions["fp32"].graph


@cache
def _bare_session(whole: Path, bare: Path) -> onnxruntime.InferenceSession:
    onnx.utils.extract_model(str(whole), str(bare), ["images"], WITHOUT_CAM)
    return _session(bare)


def _session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _rate(session: onnxruntime.InferenceSession, outputs: list[str], images: NDArray[np.uint8]) -> float:
    started_s = time.perf_counter()
    for start in range(0, len(images), BATCH):
        session.run(outputs, {"images": images[start : start + BATCH]})
    return len(images) / (time.perf_counter() - started_s)

"""What runs an artifact: one interface over ONNX Runtime and Keras, and the choice between them.

EngineUnavailable   code engine_unavailable   the artifact or this installation lacks what was asked for
"""

from collections.abc import Generator, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from model.artifact import Artifact

Floats = NDArray[np.float32]
Images = NDArray[np.uint8]
EngineName = Literal["onnx", "keras"]
Tag = TypeVar("Tag")

# What the keras engine runs: this file, in this precision.
KERAS_MODEL, KERAS_PRECISION = "model.keras", "fp32"

# Images at once where nobody chose: what a core's cache holds, and half a shard, so that the other half is decoded
# while a GPU has this one.
CPU_BATCH, GPU_BATCH = 16, 128

# A kernel driver's device files: NVIDIA, CUDA under WSL, ROCm. Without one, asking TensorFlow is a waste of seconds.
_GPU_FILES = ("nvidia[0-9]*", "dxg", "kfd")


class EngineUnavailable(Exception):
    """The artifact has no such precision for this engine, or the engine's library is not installed."""

    code = "engine_unavailable"


class Inference(NamedTuple):
    """For each image the class probabilities `[N, classes]` and the predicted class' CAM `[N, h, w]` ≥ 0."""

    probabilities: Floats
    cam: Floats


class Engine(Protocol):
    """A loaded model. Images are uint8 `[N, height, width, 3]`, as `model.decode` makes them, N of any size.

    It runs `batch_size` of them at once: what to cut a stream of images into.
    """

    name: EngineName
    batch_size: int

    def infer(self, images: Images) -> Inference:
        """Classify and explain the images."""

    def infer_each(self, batches: Iterable[tuple[Tag, Images]]) -> Generator[tuple[Tag, Inference]]:
        """Yield the inference of each batch with the tag that came with it, in order.

        A GPU takes two further batches before it yields one, and so never waits for its host.
        """

    def features(self, images: Images) -> Floats:
        """The CAM layer's output `[N, h, w, C]`, for the formulas of `model.explanation.cam`."""

    def warm_up(self) -> None:
        """Run one batch of nothing, so that the first real one is as fast as the rest."""


def load_engine(
    artifact: Artifact,
    *,
    precision: str = "fp32",
    engine: str = "auto",
    threads: int = 1,
    batch_size: int | None = None,
    device: int = 0,
) -> Engine:
    """Verify the artifact and load it into an engine: "onnx", "keras", or "auto".

    Auto is keras where a GPU is visible and the artifact has a Keras model in this precision, else onnx. Of several
    GPUs the process takes number `device`, counted round. Without a batch size it is CPU_BATCH or GPU_BATCH.
    Call it in the process that infers, after any fork. Raises ArtifactError or EngineUnavailable.
    """
    if precision not in artifact.manifest.precisions:
        raise EngineUnavailable(f"{artifact.path} has no precision {precision!r}")
    artifact.verify()
    chosen = engine
    if engine == "auto":
        in_keras = precision == KERAS_PRECISION and KERAS_MODEL in artifact.manifest.files
        chosen = choose_engine() if in_keras else "onnx"
    try:
        if chosen == "onnx":
            from model.engines.onnx import OnnxEngine

            return OnnxEngine(artifact, precision=precision, threads=threads, batch_size=batch_size or CPU_BATCH)
        if chosen == "keras":
            from model.engines.keras import KerasEngine

            return KerasEngine(artifact, precision=precision, threads=threads, batch_size=batch_size, device=device)
    except ModuleNotFoundError as error:
        raise EngineUnavailable(f"the engine {chosen!r} needs {error.name}, which is not installed") from error
    raise EngineUnavailable(f"there is no engine {chosen!r}; choose auto, onnx or keras")


def choose_engine() -> EngineName:
    """`keras` where TensorFlow is installed and sees a GPU, else `onnx`; without a GPU nothing is imported."""
    if find_spec("tensorflow") is None or not any(_gpu_files()):
        return "onnx"
    import tensorflow as tf

    return "keras" if tf.config.list_physical_devices("GPU") else "onnx"


def batches(images: Images, size: int) -> Iterator[Images]:
    """The images in order, at most `size` at a time; one empty batch if there are none."""
    yield from (images[start : start + size] for start in range(0, max(len(images), 1), size))


def _gpu_files() -> Iterator[Path]:
    return (file for pattern in _GPU_FILES for file in Path("/dev").glob(pattern))

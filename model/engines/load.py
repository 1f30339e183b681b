"""Choose an engine for an artifact and load it."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from model.artifact import Artifact
from model.engines.interface import CPU_BATCH, KERAS_MODEL, KERAS_PRECISION, Engine, EngineName, EngineUnavailable

_GPU_DEVICE_FILES = ("nvidia[0-9]*", "dxg", "kfd")
"""Kernel drivers' device files: NVIDIA, CUDA under WSL, ROCm. Without one, importing TensorFlow wastes seconds."""


def load_engine(
    artifact: Artifact,
    *,
    precision: str = "fp32",
    engine: str = "auto",
    threads: int = 1,
    batch_size: int | None = None,
    device: int = 0,
) -> Engine:
    """Verify the artifact's digests and load it. Call this in the process that infers, after any fork.

    Args:
        artifact: the model version.
        precision: a key of the manifest's `precisions`.
        engine: "onnx", "keras" or "auto". "auto" is keras where a GPU is visible and the artifact has a Keras model in
            this precision, and onnx otherwise.
        threads: cores that one inference may use.
        batch_size: images at once; default `CPU_BATCH` or `GPU_BATCH`.
        device: number of the GPU to use among the visible ones, modulo their count.

    Raises:
        ArtifactError: a file is missing or damaged, or the graph does not keep the contract.
        EngineUnavailable: there is no such engine or precision, or the engine's library is not installed.
    """
    if precision not in artifact.manifest.precisions:
        available = ", ".join(artifact.manifest.precisions)
        raise EngineUnavailable(f"{artifact.path} has no precision {precision!r}; it has {available}")
    artifact.verify()
    chosen = engine
    if engine == "auto":
        has_keras_model = precision == KERAS_PRECISION and KERAS_MODEL in artifact.manifest.files
        chosen = choose_engine() if has_keras_model else "onnx"
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
    """Return `keras` where TensorFlow is installed and sees a GPU, else `onnx`; without a GPU nothing is imported."""
    if find_spec("tensorflow") is None or not any(_gpu_device_files()):
        return "onnx"
    import tensorflow as tf

    return "keras" if tf.config.list_physical_devices("GPU") else "onnx"


def _gpu_device_files() -> Iterator[Path]:
    return (file for pattern in _GPU_DEVICE_FILES for file in Path("/dev").glob(pattern))

"""The keras engine: an artifact's Keras model on TensorFlow, for machines with a GPU."""

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np
import tensorflow as tf

from model.arrays import Floats, Images
from model.artifact import Artifact
from model.engines.interface import (
    CPU_BATCH,
    GPU_BATCH,
    KERAS_MODEL,
    KERAS_PRECISION,
    EngineName,
    EngineUnavailable,
    Inference,
    Tag,
    split_batches,
)
from model.engines.tensorflow_graph import OUTPUTS, compile_with_xla, freeze, select_faster
from model.head import serving_model

GPU_AHEAD = 2
"""Batches submitted beyond the one whose result is awaited: the GPU computes one while the next is copied to it."""


class KerasEngine:
    """Runs one TensorFlow graph of one batch shape; smaller batches are padded, so TensorFlow never traces again.

    `device` is the number of the GPU that this process uses among the visible ones, modulo their count.
    """

    name: EngineName = "keras"

    def __init__(
        self, artifact: Artifact, *, precision: str, threads: int, batch_size: int | None, device: int = 0
    ) -> None:
        if precision != KERAS_PRECISION or keras.backend.backend() != "tensorflow":
            requested = f"{precision} on {keras.backend.backend()}"
            raise EngineUnavailable(f"the keras engine runs {KERAS_PRECISION} on tensorflow, not {requested}")
        self._on_gpu = _configure_tensorflow(threads, device=device)
        self.batch_size = batch_size or (GPU_BATCH if self._on_gpu else CPU_BATCH)
        self._ahead = GPU_AHEAD if self._on_gpu else 0
        manifest = artifact.manifest
        classifier = keras.saving.load_model(artifact.path / KERAS_MODEL, compile=False)
        model = serving_model(
            classifier, size=manifest.input.height, temperature=manifest.precisions[precision].temperature
        )
        self._shape = (self.batch_size, manifest.input.height, manifest.input.width, 3)
        self._graph = freeze(model, self._shape)

    def infer(self, images: Images) -> Inference:
        return Inference(*self._fetch(("probabilities", "cam"), images))

    def infer_each(self, batches: Iterable[tuple[Tag, Images]]) -> Generator[tuple[Tag, Inference]]:
        """Yield the inferences; each batch has a thread, so that the GPU has the next one while TensorFlow waits."""
        running: deque[tuple[Tag, Future[Inference]]] = deque()
        with ThreadPoolExecutor(self._ahead + 1, thread_name_prefix="infer") as pool:
            for tag, images in batches:
                running.append((tag, pool.submit(self.infer, images)))
                if len(running) > self._ahead:
                    yield _finished(*running.popleft())
            while running:
                yield _finished(*running.popleft())

    def features(self, images: Images) -> Floats:
        return self._fetch(("features",), images)[0]

    def warm_up(self) -> None:
        """Run one batch of noise. On a GPU this also chooses between the graph and its XLA-compiled form."""
        noise = tf.constant(np.random.default_rng(0).integers(0, 256, self._shape, np.uint8))
        if self._on_gpu:
            self._graph = select_faster(self._graph, compile_with_xla(self._graph), noise)
        self._graph(noise)

    def _fetch(self, outputs: Sequence[str], images: Images) -> list[Floats]:
        """Submit all batches to the device, then wait for the first result."""
        runs = [self._run_padded(batch) for batch in split_batches(images, self.batch_size)]
        return [np.concatenate([run[output].numpy()[:filled] for filled, run in runs]) for output in outputs]

    def _run_padded(self, batch: Images) -> tuple[int, dict[str, tf.Tensor]]:
        """Return (number of images in the batch, outputs of the padded batch by name)."""
        filled = len(batch)
        if filled < self.batch_size:
            batch = np.concatenate([batch, np.zeros((self.batch_size - filled, *self._shape[1:]), np.uint8)])
        return filled, dict(zip(OUTPUTS, self._graph(tf.constant(batch)), strict=True))


def _finished(tag: Tag, inference: Future[Inference]) -> tuple[Tag, Inference]:
    return tag, inference.result()


def _configure_tensorflow(threads: int, *, device: int) -> bool:
    """Configure threads and GPU, and return whether a GPU is used.

    TensorFlow accepts these settings only before its first operation; in later calls the first ones stay in force.
    """
    # TF32 rounds products to 10 bits; the same image must give the same numbers on every worker.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    gpus = tf.config.list_physical_devices("GPU")
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        if gpus:
            tf.config.set_visible_devices(gpus[device % len(gpus)], "GPU")
    return bool(gpus)

"""The artifact's Keras model on TensorFlow: the engine of machines with a GPU."""

import contextlib
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import keras
import numpy as np
import tensorflow as tf

from model.artifact import Artifact
from model.engines.interface import (
    CPU_BATCH,
    GPU_BATCH,
    KERAS_MODEL,
    KERAS_PRECISION,
    EngineName,
    EngineUnavailable,
    Floats,
    Images,
    Inference,
    Tag,
    batches,
)
from model.engines.tensorflow_graph import OUTPUTS, compiled, faster, frozen
from model.head import serving_model

# Beside the batch that is waited for: one that the GPU computes next and one on its way there.
GPU_AHEAD = 2


class KerasEngine:
    """One graph of one batch shape: a smaller batch is padded, so nothing is ever traced again.

    `device` is the one GPU that this process takes, by its number among those visible, counted round.
    """

    name: EngineName = "keras"

    def __init__(
        self, artifact: Artifact, *, precision: str, threads: int, batch_size: int | None, device: int = 0
    ) -> None:
        if precision != KERAS_PRECISION or keras.backend.backend() != "tensorflow":
            asked = f"{precision} on {keras.backend.backend()}"
            raise EngineUnavailable(f"the keras engine runs {KERAS_PRECISION} on tensorflow, not {asked}")
        self._on_gpu = _set_up_device(threads, device=device)
        self.batch_size = batch_size or (GPU_BATCH if self._on_gpu else CPU_BATCH)
        self._ahead = GPU_AHEAD if self._on_gpu else 0
        manifest = artifact.manifest
        classifier = keras.saving.load_model(artifact.path / KERAS_MODEL, compile=False)
        model = serving_model(
            classifier, size=manifest.input.height, temperature=manifest.precisions[precision].temperature
        )
        self._shape = (self.batch_size, manifest.input.height, manifest.input.width, 3)
        self._graph = frozen(model, self._shape)

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
        """On a GPU this also decides whether XLA compiles the graph, once and for all."""
        noise = tf.constant(np.random.default_rng(0).integers(0, 256, self._shape, np.uint8))
        if self._on_gpu:
            self._graph = faster(self._graph, compiled(self._graph), noise)
        self._graph(noise)

    def _fetch(self, outputs: Sequence[str], images: Images) -> list[Floats]:
        """A GPU is handed all batches before the first result is waited for."""
        runs = [self._run_padded(batch) for batch in batches(images, self.batch_size)]
        return [np.concatenate([run[output].numpy()[:filled] for filled, run in runs]) for output in outputs]

    def _run_padded(self, batch: Images) -> tuple[int, dict[str, tf.Tensor]]:
        """How many rows of the outputs are real, and the outputs."""
        filled = len(batch)
        if filled < self.batch_size:
            batch = np.concatenate([batch, np.zeros((self.batch_size - filled, *self._shape[1:]), np.uint8)])
        return filled, dict(zip(OUTPUTS, self._graph(tf.constant(batch)), strict=True))


def _finished(tag: Tag, inference: Future[Inference]) -> tuple[Tag, Inference]:
    return tag, inference.result()


def _set_up_device(threads: int, *, device: int) -> bool:
    """Settings that TensorFlow takes only before its first operation; later ones find them made. Whether on a GPU."""
    # TF32 would round products to 10 bits: the same image must get the same numbers on every worker.
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

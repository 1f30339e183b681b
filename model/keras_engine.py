"""The artefact's Keras model on TensorFlow: the engine of machines with a GPU."""

import contextlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from model.artifact import Artifact
from model.engine import KERAS_MODEL, KERAS_PRECISION, EngineName, EngineUnavailable, Floats, Images, Inference, batches
from model.head import serving_model


class KerasEngine:
    """One traced graph of one batch shape: the last batch is padded, so nothing is ever traced again."""

    name: EngineName = "keras"

    def __init__(self, artifact: Artifact, *, precision: str, threads: int, batch_size: int) -> None:
        if precision != KERAS_PRECISION or keras.backend.backend() != "tensorflow":
            asked = f"{precision} on {keras.backend.backend()}"
            raise EngineUnavailable(f"the keras engine runs {KERAS_PRECISION} on tensorflow, not {asked}")
        _set_up_device(threads)
        manifest = artifact.manifest
        classifier = keras.saving.load_model(artifact.path / KERAS_MODEL, compile=False)
        model = serving_model(
            classifier, size=manifest.input.height, temperature=manifest.precisions[precision].temperature
        )
        self._shape = (batch_size, manifest.input.height, manifest.input.width, 3)
        self._run = tf.function(
            lambda images: model(images, training=False), input_signature=[tf.TensorSpec(self._shape, tf.uint8)]
        )

    def infer(self, images: Images) -> Inference:
        return Inference(*self._fetch(("probabilities", "cam"), images))

    def features(self, images: Images) -> Floats:
        return self._fetch(("features",), images)[0]

    def warm_up(self) -> None:
        self.infer(np.zeros(self._shape, np.uint8))

    def _fetch(self, outputs: Sequence[str], images: Images) -> list[Floats]:
        runs = [self._run_padded(batch) for batch in batches(images, self._shape[0])]
        return [np.concatenate([run[output].numpy()[:filled] for filled, run in runs]) for output in outputs]

    def _run_padded(self, batch: Images) -> tuple[int, dict[str, tf.Tensor]]:
        """How many rows of the outputs are real, and the outputs."""
        padded = np.zeros(self._shape, np.uint8)
        padded[: len(batch)] = batch
        return len(batch), self._run(padded)


def _set_up_device(threads: int) -> None:
    """Settings that TensorFlow takes only before its first operation; later ones find them made."""
    # TF32 would round products to 10 bits: the same image must get the same numbers on every worker.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)

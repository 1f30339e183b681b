"""A Keras model as one TensorFlow graph of one batch shape, as fast as the device runs it."""

import logging
import time
from collections.abc import Callable, Sequence
from statistics import median

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

Graph = Callable[[tf.Tensor], Sequence[tf.Tensor]]

# TensorFlow flattens a dictionary of outputs by its keys in order.
OUTPUTS = ("cam", "features", "probabilities")
AGREEMENT = 1e-4
TRIALS = 5

log = logging.getLogger(__name__)


def frozen(model: keras.Model, shape: tuple[int, ...]) -> Graph:
    """The serving model for images of this shape, its OUTPUTS in a list.

    With the weights as constants TensorFlow folds the batch-norms into the convolutions, which it cannot do with
    variables: 1.3 times as fast on a CPU.
    """
    spec = tf.TensorSpec(shape, tf.uint8)
    traced = tf.function(lambda images: model(images, training=False), input_signature=[spec], autograph=False)
    graph: Graph = convert_variables_to_constants_v2(traced.get_concrete_function())
    return graph


def compiled(graph: Graph) -> Graph:
    """The same by XLA, which compiles at the first call."""

    def run(images: tf.Tensor) -> Sequence[tf.Tensor]:
        return graph(images)

    by_xla: Graph = tf.function(run, jit_compile=True, autograph=False)
    return by_xla


def faster(graph: Graph, rival: Graph, images: tf.Tensor) -> Graph:
    """The rival if it runs on this device, gives the same probabilities and takes less time; else the graph.

    Asked of the device itself, because it depends on the device: XLA needs tools that an installation may lack, and
    on a CPU it made this network 25 times slower.
    """
    try:
        apart = float(np.abs(_probabilities(graph, images) - _probabilities(rival, images)).max())
        graph_s, rival_s = _batch_s(graph, images), _batch_s(rival, images)
    except tf.errors.OpError as error:
        log.warning("the graph stays as it is, its rival does not run here: %s", str(error).splitlines()[0])
        return graph
    chosen = rival if apart <= AGREEMENT and rival_s < graph_s else graph
    log.info("%.1f ms a batch, its rival %.1f ms, apart by %.1e", 1000 * graph_s, 1000 * rival_s, apart)
    return chosen


def _probabilities(graph: Graph, images: tf.Tensor) -> np.ndarray:
    found: np.ndarray = graph(images)[OUTPUTS.index("probabilities")].numpy()
    return found


def _batch_s(graph: Graph, images: tf.Tensor) -> float:
    """Seconds until the result of a batch has arrived: the median of a few."""
    spent_s = []
    for _ in range(TRIALS):
        started_s = time.perf_counter()
        _probabilities(graph, images)
        spent_s.append(time.perf_counter() - started_s)
    return median(spent_s)

"""Turn a Keras model into the fastest TensorFlow graph of one batch shape that this device runs."""

import logging
import time
from collections.abc import Callable, Sequence
from statistics import median

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

Graph = Callable[[tf.Tensor], Sequence[tf.Tensor]]

OUTPUTS = ("cam", "features", "probabilities")
"""The graph's outputs in order: TensorFlow flattens a dictionary of outputs in the order of its sorted keys."""

MAX_PROBABILITY_DIFFERENCE = 1e-4
TIMED_RUNS = 5

log = logging.getLogger(__name__)


def freeze(model: keras.Model, shape: tuple[int, ...]) -> Graph:
    """Trace the serving model for uint8 images of this shape; the graph returns a list in the order of OUTPUTS.

    The weights become constants, so TensorFlow folds the batch-norms into the convolutions, which it cannot do with
    variables. Measured on a CPU, this is 1.3 times as fast.
    """
    spec = tf.TensorSpec(shape, tf.uint8)
    traced = tf.function(lambda images: model(images, training=False), input_signature=[spec], autograph=False)
    graph: Graph = convert_variables_to_constants_v2(traced.get_concrete_function())
    return graph


def compile_with_xla(graph: Graph) -> Graph:
    """Return the graph as a function that XLA compiles at its first call."""

    def run(images: tf.Tensor) -> Sequence[tf.Tensor]:
        return graph(images)

    compiled: Graph = tf.function(run, jit_compile=True, autograph=False)
    return compiled


def select_faster(graph: Graph, candidate: Graph, images: tf.Tensor) -> Graph:
    """Return the candidate if it runs on this device, gives the same probabilities and is faster; else the graph.

    The result depends on the device, so both are timed: XLA needs tools that an installation may lack, and on a CPU it
    made this network 25 times slower.
    """
    try:
        difference = float(np.abs(_probabilities(graph, images) - _probabilities(candidate, images)).max())
        graph_s, candidate_s = _seconds_per_batch(graph, images), _seconds_per_batch(candidate, images)
    except tf.errors.OpError as error:
        log.warning("the XLA graph does not run on this device and is not used: %s", str(error).splitlines()[0])
        return graph
    chosen = candidate if difference <= MAX_PROBABILITY_DIFFERENCE and candidate_s < graph_s else graph
    log.info(
        "plain graph %.1f ms a batch, XLA graph %.1f ms, probabilities differ by %.1e",
        1000 * graph_s,
        1000 * candidate_s,
        difference,
    )
    return chosen


def _probabilities(graph: Graph, images: tf.Tensor) -> np.ndarray:
    probabilities: np.ndarray = graph(images)[OUTPUTS.index("probabilities")].numpy()
    return probabilities


def _seconds_per_batch(graph: Graph, images: tf.Tensor) -> float:
    """Median seconds until the result of a batch has arrived on the host."""
    elapsed_s = []
    for _ in range(TIMED_RUNS):
        started_s = time.perf_counter()
        _probabilities(graph, images)
        elapsed_s.append(time.perf_counter() - started_s)
    return median(elapsed_s)

"""The faithfulness of a batch's CAMs, or a way out in the middle of it: it takes many times as long as the CAMs."""

from collections.abc import Callable

from model.arrays import Floats, Images
from model.engines.interface import Engine, Inference
from model.explanation.faithfulness import faithfulness


class Unwanted(Exception):
    """Nobody wants the rest of this batch."""


def faithfulness_scores(engine: Engine, images: Images, inference: Inference, *, wanted: Callable[[], bool]) -> Floats:
    """For each image `[N]` its CAM's insertion less deletion, in [-1, 1], the same in whatever batch it sits.

    Raises Unwanted; `wanted` is asked before each further inference of as many images.
    """

    def classify(changed: Images) -> Floats:
        if not wanted():
            raise Unwanted
        return engine.infer(changed).probabilities

    predicted = inference.probabilities.argmax(axis=1)
    return faithfulness(classify, images, inference.cam, predicted).score

"""The faithfulness of the CAMs of a batch, which takes many inferences and can be interrupted between two of them."""

from collections.abc import Callable

from model.arrays import Floats, Images
from model.engines.interface import Engine, Inference
from model.explanation.faithfulness import faithfulness


def faithfulness_scores(engine: Engine, images: Images, inference: Inference, *, check: Callable[[], None]) -> Floats:
    """Return for each image `[N]` the faithfulness of its CAM, in [-1, 1]; it does not depend on the other images.

    `images` are uint8 `[N, height, width, 3]` and `inference` is theirs. `check` is called before each further
    inference and raises what interrupts the work.
    """

    def classify(changed: Images) -> Floats:
        check()
        return engine.infer(changed).probabilities

    predicted = inference.probabilities.argmax(axis=1)
    return faithfulness(classify, images, inference.cam, predicted).score

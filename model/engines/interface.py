"""The interface of all engines: what a loaded model version takes and returns.

EngineUnavailable   code engine_unavailable   the artifact or this installation lacks what was asked for
"""

from collections.abc import Generator, Iterable, Iterator
from typing import Literal, NamedTuple, Protocol, TypeVar

from model.arrays import Floats, Images

EngineName = Literal["onnx", "keras"]
Tag = TypeVar("Tag")

KERAS_MODEL, KERAS_PRECISION = "model.keras", "fp32"
"""The file of an artifact that the keras engine runs, and the one precision it runs in."""

CPU_BATCH, GPU_BATCH = 16, 128
"""Default batch sizes. 16 images fit a core's cache. 128 are half a shard: a GPU infers one half while the CPU decodes
the other."""


class EngineUnavailable(Exception):
    """The artifact has no such precision for this engine, or the engine's library is not installed."""

    code = "engine_unavailable"


class Inference(NamedTuple):
    """Class probabilities float32 `[N, classes]` and the predicted class' CAM float32 `[N, h, w]`, never negative."""

    probabilities: Floats
    cam: Floats


class Engine(Protocol):
    """A loaded model version. Images are uint8 `[N, height, width, 3]`, as `model.decode` makes them, N of any size.

    An engine runs `batch_size` images at once; callers cut a stream of images into batches of this size.
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
        """Return the CAM layer's output float32 `[N, h, w, C]`, which `model.explanation.cam` takes."""

    def warm_up(self) -> None:
        """Run one batch of zeros or noise, so that the first real batch is as fast as the later ones."""


def split_batches(images: Images, size: int) -> Iterator[Images]:
    """Yield the images in order, at most `size` at a time; yields one empty batch if there are no images."""
    yield from (images[start : start + size] for start in range(0, max(len(images), 1), size))

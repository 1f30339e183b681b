"""From a claimed shard to the results of its images."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np

from core.db.tables import Job, Score, Shard
from core.errors import NotFound
from core.failpoints import Point, failpoint
from core.jobs.items import InferenceResult
from core.objects.shard_format import Entry, ShardReader, UnreadableShard
from core.objects.storage import Storage
from core.settings import Settings
from core.states import Explain, ItemErrorCode
from model.arrays import Floats, Images
from model.artifact import Artifact
from model.decode import Decoded, UndecodableImage
from model.engines.interface import Engine, Inference
from model.manifest import InputContract
from worker.inference.cancellation import JobCancelled
from worker.inference.decoding import Image, decode_in_batches, pixels_of
from worker.inference.scoring import faithfulness_scores

Check = Callable[[], None]
"""Raises what ends the work; the pipeline calls it before each inference."""

MAX_MESSAGE_LENGTH = 500
"""Characters of an item's error message that its column holds."""


@dataclass(frozen=True)
class Work:
    """A claimed shard, its job, and the loaded model version that the job uses."""

    shard: Shard
    job: Job
    artifact: Artifact
    engine: Engine

    @property
    def input(self) -> InputContract:
        return self.artifact.manifest.input


def infer_shard(work: Work, storage: Storage, settings: Settings, *, check: Check) -> list[InferenceResult]:
    """Return the results of the shard's images in order, or those before `check` raised JobCancelled."""
    results: list[InferenceResult] = []
    with ExitStack() as stack:
        reader = open_shard(work.shard, storage, stack)
        if not isinstance(reader, ShardReader):
            return reader
        if _crashes_workers(work.shard, settings):
            return [_crashed(work.shard, reader)]
        threads, batch_size = _decoding_threads(work.engine, settings), work.engine.batch_size
        decoded = decode_in_batches(work.shard, reader, work.input, batch_size=batch_size, threads=threads)
        batches = _checked(work, stack.enter_context(closing(decoded)), check=check)
        inferences = stack.enter_context(closing(work.engine.infer_each(batches)))
        with suppress(JobCancelled):
            for images, inference in inferences:
                results += results_of(work, images, inference, check=check)
                failpoint(Point.BATCH_INFERRED)
    return results


def open_shard(shard: Shard, storage: Storage, stack: ExitStack) -> ShardReader | list[InferenceResult]:
    """Return a reader that `stack` closes, or the failed results of every image if the object is missing or damaged."""
    try:
        file = stack.enter_context(storage.open(shard.object_key))
        return ShardReader(file, digest=shard.object_digest)
    except NotFound:
        return _all_failed(shard, ItemErrorCode.OBJECT_MISSING, "The stored upload is missing.")
    except UnreadableShard as damage:
        return _all_failed(shard, ItemErrorCode.OBJECT_CORRUPT, str(damage))


def results_of(work: Work, images: Sequence[Image], inference: Inference, *, check: Check) -> list[InferenceResult]:
    """Return the result of each image of a batch; `inference` is that of the decodable images, in order."""
    predictions = _predictions(work, images, inference, check=check)
    return [
        _failed(image.index, image.entry, ItemErrorCode(image.decoded.code), image.decoded.message)
        if isinstance(image.decoded, UndecodableImage)
        else _succeeded(image, image.decoded, next(predictions))
        for image in images
    ]


def _checked(work: Work, batches: Iterable[list[Image]], *, check: Check) -> Iterator[tuple[list[Image], Images]]:
    """Each batch with its pixels, as the engine takes it."""
    for images in batches:
        check()
        yield images, pixels_of(images, work.input)


def _decoding_threads(engine: Engine, settings: Settings) -> int:
    """How many threads decode ahead: as many as infer, on a GPU and where an inference uses several threads.

    Otherwise each core has a process of its own, and a further thread competes with the inferring one: 1 % slower
    (measured).
    """
    return 0 if engine.name == "onnx" and settings.engine_threads == 1 else settings.engine_threads


class Prediction(NamedTuple):
    """The model's output for one image: its most probable classes, its CAM [h, w], and the CAM's faithfulness."""

    top_k: list[Score]
    cam: Floats
    faithfulness: float | None


def _predictions(work: Work, images: Sequence[Image], inference: Inference, *, check: Check) -> Iterator[Prediction]:
    """The prediction of each image that could be decoded, in order."""
    scores: Iterable[float | None] = repeat(None, len(inference.cam))
    if work.job.explain == Explain.FULL and len(inference.cam):
        scores = faithfulness_scores(work.engine, pixels_of(images, work.input), inference, check=check).tolist()
    best = top_k(inference.probabilities, work.artifact.manifest.labels, k=work.job.top_k)
    return (Prediction(*row) for row in zip(best, inference.cam.astype("<f4"), scores, strict=True))


def top_k(probabilities: Floats, labels: Sequence[str], *, k: int) -> list[list[Score]]:
    """Return the k most probable classes of each image, the most probable first, from probabilities `[N, classes]`.

    Equally probable classes come in the order of the labels.
    """
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    confidences = np.take_along_axis(probabilities, best, axis=1)
    return [
        [Score(label=labels[index], confidence=confidence) for index, confidence in zip(*row, strict=True)]
        for row in zip(best.tolist(), confidences.tolist(), strict=True)
    ]


def _succeeded(image: Image, decoded: Decoded, prediction: Prediction) -> InferenceResult:
    return InferenceResult(
        index=image.index,
        name=image.entry.name,
        sha256=image.entry.sha256,
        size_bytes=image.entry.size_bytes,
        width=decoded.width,
        height=decoded.height,
        label=prediction.top_k[0]["label"],
        confidence=prediction.top_k[0]["confidence"],
        top_k=prediction.top_k,
        cam=prediction.cam.tobytes(),
        cam_height=prediction.cam.shape[0],
        cam_width=prediction.cam.shape[1],
        faithfulness=prediction.faithfulness,
    )


def _failed(index: int, entry: Entry, code: ItemErrorCode, message: str) -> InferenceResult:
    return InferenceResult(
        index=index,
        name=entry.name,
        sha256=entry.sha256,
        size_bytes=entry.size_bytes,
        error_code=code,
        error_message=message[:MAX_MESSAGE_LENGTH],
    )


def _crashes_workers(shard: Shard, settings: Settings) -> bool:
    """Whether the only image of this shard has crashed workers too often to be tried again."""
    return shard.count == 1 and shard.crashes >= settings.max_crashes


def _crashed(shard: Shard, reader: ShardReader) -> InferenceResult:
    (position,) = shard.positions
    message = f"Processing this image ended its worker {shard.crashes} times."
    return _failed(shard.first_index + position, reader.entry(position), ItemErrorCode.CRASHED_WORKER, message)


def _all_failed(shard: Shard, code: ItemErrorCode, message: str) -> list[InferenceResult]:
    """Failed results without names and digests, which only the unreadable object has."""
    indexes = [shard.first_index + position for position in shard.positions]
    return [_failed(index, Entry(f"image {index}", "", 0), code, message) for index in indexes]

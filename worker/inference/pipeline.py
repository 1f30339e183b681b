"""From a claimed shard to its outcomes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple

import numpy as np

from core.db.tables import Job, Score, Shard
from core.errors import NotFound
from core.failpoints import Point, failpoint
from core.jobs.results import Outcome
from core.objects.shard_format import Entry, ShardReader, UnreadableShard
from core.objects.storage import Storage
from core.settings import Settings
from core.states import Explain
from model.arrays import Floats, Images
from model.artifact import Artifact
from model.decode import Decoded, UndecodableImage
from model.engines.interface import Engine, Inference
from model.manifest import InputContract
from worker.inference.decoding import Image, batches_of, pixels_of
from worker.inference.scoring import Unwanted, faithfulness_scores


@dataclass(frozen=True)
class Work:
    """A claimed shard and what it takes to infer it."""

    shard: Shard
    job: Job
    artifact: Artifact
    engine: Engine

    @property
    def size(self) -> InputContract:
        return self.artifact.manifest.input


def infer_shard(work: Work, storage: Storage, settings: Settings, *, wanted: Callable[[], bool]) -> list[Outcome]:
    """One outcome per position, or those there are when they are no longer `wanted`, asked at every inference."""
    with ExitStack() as stack:
        reader = opened(work.shard, storage, stack)
        if not isinstance(reader, ShardReader):
            return reader
        if _poisonous(work.shard, settings):
            return [_given_up(work.shard, reader)]
        return list(_infer(work, reader, settings, wanted=wanted))


def opened(shard: Shard, storage: Storage, stack: ExitStack) -> ShardReader | list[Outcome]:
    """The shard's images until the stack closes, or what becomes of them all where the object is missing or damaged."""
    try:
        file = stack.enter_context(storage.open(shard.object_key))
        return ShardReader(file, digest=shard.object_digest)
    except NotFound:
        return _all_failed(shard, "object_missing", "The stored upload is missing.")
    except UnreadableShard as damage:
        return _all_failed(shard, "object_corrupt", str(damage))


def _infer(work: Work, reader: ShardReader, settings: Settings, *, wanted: Callable[[], bool]) -> Iterator[Outcome]:
    given: deque[list[Image]] = deque()
    threads, batch_size = _decoders(work.engine, settings), work.engine.batch_size
    with (
        closing(batches_of(work.shard, reader, work.size, batch_size=batch_size, threads=threads)) as batches,
        closing(work.engine.infer_each(_given(work, batches, given, wanted=wanted))) as inferences,
    ):
        for inference in inferences:
            try:
                yield from outcomes_of(work, given.popleft(), inference, wanted=wanted)
            except Unwanted:
                return
            failpoint(Point.BATCH_INFERRED)


def _decoders(engine: Engine, settings: Settings) -> int:
    """How many threads decode ahead: as many as infer, where that leaves cores for it, on a GPU and with several.

    Else there is a process for each core, and a further thread only takes turns with the inferring one: 1 % slower
    (measured).
    """
    return 0 if engine.name == "onnx" and settings.engine_threads == 1 else settings.engine_threads


def _given(
    work: Work, batches: Iterable[list[Image]], given: deque[list[Image]], *, wanted: Callable[[], bool]
) -> Iterator[Images]:
    """The pixels of each batch on its way to the engine, which may ask for several before it gives one back."""
    for images in batches:
        if not wanted():
            return
        given.append(images)
        yield pixels_of(images, work.size)


def outcomes_of(
    work: Work, images: Sequence[Image], inference: Inference, *, wanted: Callable[[], bool]
) -> Iterator[Outcome]:
    """What becomes of each image of a batch, given what the model says of those that could be decoded."""
    rows = _rows(work, images, inference, wanted=wanted)
    for image in images:
        if isinstance(image.decoded, UndecodableImage):
            yield _failed(image.index, image.entry, image.decoded.code, image.decoded.message)
        else:
            yield _predicted(image, image.decoded, next(rows))


class Row(NamedTuple):
    """What the model says of one image: its likeliest classes, CAM [h, w], the CAM's faithfulness if asked for."""

    top_k: list[Score]
    cam: Floats
    faithfulness: float | None


def _rows(work: Work, images: Sequence[Image], inference: Inference, *, wanted: Callable[[], bool]) -> Iterator[Row]:
    """A row for each image that could be decoded, in order."""
    scores: Iterable[float | None] = repeat(None, len(inference.cam))
    if work.job.explain == Explain.FULL and len(inference.cam):
        scores = faithfulness_scores(work.engine, pixels_of(images, work.size), inference, wanted=wanted).tolist()
    best = top_k(inference.probabilities, work.artifact.manifest.labels, k=work.job.top_k)
    yield from (Row(*row) for row in zip(best, inference.cam.astype("<f4"), scores, strict=True))


def top_k(probabilities: Floats, labels: Sequence[str], *, k: int) -> list[list[Score]]:
    """For each image `[N, classes]` its k likeliest classes, likeliest first; equal ones in the order of the labels."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    confidences = np.take_along_axis(probabilities, best, axis=1)
    return [
        [Score(label=labels[index], confidence=confidence) for index, confidence in zip(*row, strict=True)]
        for row in zip(best.tolist(), confidences.tolist(), strict=True)
    ]


def _predicted(image: Image, decoded: Decoded, row: Row) -> Outcome:
    return Outcome(
        index=image.index,
        name=image.entry.name,
        sha256=image.entry.sha256,
        size_bytes=image.entry.size_bytes,
        width=decoded.width,
        height=decoded.height,
        label=row.top_k[0]["label"],
        confidence=row.top_k[0]["confidence"],
        top_k=row.top_k,
        cam=row.cam.tobytes(),
        cam_height=row.cam.shape[0],
        cam_width=row.cam.shape[1],
        faithfulness=row.faithfulness,
    )


def _failed(index: int, entry: Entry, code: str, message: str) -> Outcome:
    return Outcome(
        index=index,
        name=entry.name,
        sha256=entry.sha256,
        size_bytes=entry.size_bytes,
        error_code=code,
        error_message=message[:500],
    )


def _poisonous(shard: Shard, settings: Settings) -> bool:
    return shard.count == 1 and shard.crashes >= settings.max_crashes


def _given_up(shard: Shard, reader: ShardReader) -> Outcome:
    (position,) = shard.positions
    message = f"Processing this image ended its worker {shard.crashes} times."
    return _failed(shard.first_index + position, reader.entry(position), "crashed_worker", message)


def _all_failed(shard: Shard, code: str, message: str) -> list[Outcome]:
    """Outcomes without the object's index to tell names and digests."""
    indexes = [shard.first_index + position for position in shard.positions]
    return [_failed(index, Entry(f"image {index}", "", 0), code, message) for index in indexes]

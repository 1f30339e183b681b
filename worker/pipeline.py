"""From a shard's object to its outcomes, batch by batch."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple, TypeVar

import numpy as np

from core.errors import NotFound
from core.failpoints import Point, failpoint
from core.outcomes import Outcome
from core.settings import Settings
from core.shardfile import Entry, ShardReader, UnreadableShard
from core.states import Explain
from core.storage import Storage
from core.tables import Job, Score, Shard
from model.artifact import Artifact
from model.decode import Decoded, UndecodableImage, decode
from model.engine import Engine, Floats
from worker.scoring import Unwanted, faithfulness_scores

REFUSALS = {"image_too_large": "The image is over this server's size limit and was not kept."}

Made = TypeVar("Made")


@dataclass(frozen=True)
class Work:
    """A claimed shard and what it takes to infer it."""

    shard: Shard
    job: Job
    artifact: Artifact
    engine: Engine


def infer_shard(work: Work, storage: Storage, settings: Settings, *, wanted: Callable[[], bool]) -> list[Outcome]:
    """One outcome per position, or those there are when they are no longer `wanted`, asked at every inference."""
    with ExitStack() as stack:
        reader = opened(work, storage, stack)
        if not isinstance(reader, ShardReader):
            return reader
        if _poisonous(work.shard, settings):
            return [_given_up(work.shard, reader)]
        return list(_infer(work, reader, settings, wanted=wanted))


def opened(work: Work, storage: Storage, stack: ExitStack) -> ShardReader | list[Outcome]:
    """The shard's images until the stack closes, or what becomes of them all where the object is missing or damaged."""
    try:
        file = stack.enter_context(storage.open(work.shard.object_key))
        return stack.enter_context(closing(ShardReader(file, digest=work.shard.object_digest)))
    except NotFound:
        return _all_failed(work.shard, "object_missing", "The stored upload is missing.")
    except UnreadableShard as damage:
        return _all_failed(work.shard, "object_corrupt", str(damage))


def _infer(work: Work, reader: ShardReader, settings: Settings, *, wanted: Callable[[], bool]) -> Iterator[Outcome]:
    positions, size = work.shard.positions, work.engine.batch_size
    parts = (positions[start : start + size] for start in range(0, len(positions), size))
    decoded = (decode_batch(work, reader, part) for part in parts)
    with closing(_made_ahead(decoded) if _leaves_a_core(work.engine, settings) else decoded) as batches:
        for images in batches:
            if not wanted():
                return
            try:
                yield from _infer_batch(work, images, wanted=wanted)
            except Unwanted:
                return
            failpoint(Point.BATCH_INFERRED)


def _leaves_a_core(engine: Engine, settings: Settings) -> bool:
    """Whether decoding has a core of its own: on a GPU and with several threads. Else there is a process for each core,
    and a thread that decodes ahead only takes turns with the inferring one: 1 % slower (measured)."""
    return engine.name != "onnx" or settings.engine_threads > 1


def _made_ahead(batches: Iterator[Made]) -> Generator[Made]:
    """The same, each made in a thread while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as ahead:
        upcoming = ahead.submit(next, batches, None)
        while (batch := upcoming.result()) is not None:
            upcoming = ahead.submit(next, batches, None)
            yield batch


@dataclass(frozen=True)
class Image:
    """One image of a batch: decoded, or the reason why not."""

    index: int
    entry: Entry
    decoded: Decoded | UndecodableImage


def decode_batch(work: Work, reader: ShardReader, positions: Sequence[int]) -> list[Image]:
    return [
        Image(work.shard.first_index + position, reader.entry(position), _decoded(work.artifact, reader, position))
        for position in positions
    ]


def _decoded(artifact: Artifact, reader: ShardReader, position: int) -> Decoded | UndecodableImage:
    entry = reader.entry(position)
    if entry.refused is not None:
        return UndecodableImage(entry.refused, REFUSALS.get(entry.refused, "The image was refused on arrival."))
    failpoint(Point.IMAGE_DECODED, entry.name)
    size = artifact.manifest.input
    try:
        return decode(reader.read(position), height=size.height, width=size.width)
    except UnreadableShard as damage:
        return UndecodableImage("object_corrupt", str(damage))
    except UndecodableImage as failure:
        return failure


def _infer_batch(work: Work, images: Sequence[Image], *, wanted: Callable[[], bool]) -> Iterator[Outcome]:
    decoded = [image.decoded for image in images if isinstance(image.decoded, Decoded)]
    rows = inferred(work, decoded, wanted=wanted)
    yield from (outcome(image, rows) for image in images)


class Row(NamedTuple):
    """What the model says of one image: its likeliest classes, CAM [h, w], the CAM's faithfulness if asked for."""

    top_k: list[Score]
    cam: Floats
    faithfulness: float | None


def inferred(work: Work, decoded: Sequence[Decoded], *, wanted: Callable[[], bool]) -> Iterator[Row]:
    """A row for each image, in order."""
    if not decoded:
        return
    images = np.stack([image.pixels for image in decoded])
    inference = work.engine.infer(images)
    scores: Iterable[float | None] = repeat(None, len(images))
    if work.job.explain == Explain.FULL:
        scores = faithfulness_scores(work.engine, images, inference, wanted=wanted).tolist()
    best = top_k(inference.probabilities, work.artifact.manifest.labels, k=work.job.top_k)
    yield from (Row(*row) for row in zip(best, inference.cam.astype("<f4"), scores, strict=True))


def outcome(image: Image, rows: Iterator[Row]) -> Outcome:
    """What becomes of the image; the next row is its own if it could be decoded."""
    if isinstance(image.decoded, UndecodableImage):
        return _failed(image.index, image.entry, image.decoded.code, image.decoded.message)
    return _predicted(image, image.decoded, next(rows))


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

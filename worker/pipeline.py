"""From a shard's object to its outcomes: one thread decodes the next batch while this one is inferred."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import NotFound
from core.failpoints import Point, failpoint
from core.settings import Settings
from core.shardfile import Entry, ShardReader, UnreadableShard
from core.shards import Outcome
from core.storage import Storage
from core.tables import Job, Score, Shard
from model.artifact import Artifact
from model.decode import Decoded, UndecodableImage, decode
from model.engine import Engine

Floats = NDArray[np.float32]

REFUSALS = {"image_too_large": "The image is over this server's size limit and was not kept."}


@dataclass(frozen=True)
class Work:
    """A claimed shard and what it takes to infer it."""

    shard: Shard
    job: Job
    artifact: Artifact
    engine: Engine


def infer_shard(work: Work, storage: Storage, settings: Settings, *, wanted: Callable[[], bool]) -> list[Outcome]:
    """One outcome per position, or those there are when they are no longer `wanted`, which is asked at every batch."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(storage.open(work.shard.object_key))
            reader = stack.enter_context(closing(ShardReader(file, digest=work.shard.object_digest)))
        except NotFound:
            return _all_failed(work.shard, "object_missing", "The stored upload is missing.")
        except UnreadableShard as damage:
            return _all_failed(work.shard, "object_corrupt", str(damage))
        if _poisonous(work.shard, settings):
            return [_given_up(work.shard, reader)]
        return list(_infer(work, reader, batch_size=settings.batch_size, wanted=wanted))


def _infer(work: Work, reader: ShardReader, *, batch_size: int, wanted: Callable[[], bool]) -> Iterator[Outcome]:
    positions = work.shard.positions
    batches = [positions[start : start + batch_size] for start in range(0, len(positions), batch_size)]
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as ahead:
        upcoming = ahead.submit(_decode_batch, work, reader, batches[0])
        for following in [*batches[1:], []]:
            images = upcoming.result()
            upcoming = ahead.submit(_decode_batch, work, reader, following)
            if not wanted():
                return
            yield from _infer_batch(work, images)
            failpoint(Point.BATCH_INFERRED)


@dataclass(frozen=True)
class Image:
    """One image of a batch: decoded, or the reason why not."""

    index: int
    entry: Entry
    decoded: Decoded | UndecodableImage


def _decode_batch(work: Work, reader: ShardReader, positions: Sequence[int]) -> list[Image]:
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


def _infer_batch(work: Work, images: Sequence[Image]) -> Iterator[Outcome]:
    rows = _inferred(work.engine, [image.decoded for image in images if isinstance(image.decoded, Decoded)])
    for image in images:
        if isinstance(image.decoded, UndecodableImage):
            yield _failed(image.index, image.entry, image.decoded.code, image.decoded.message)
        else:
            probabilities, cam = next(rows)
            yield _predicted(work, image, image.decoded, probabilities, cam)


def _inferred(engine: Engine, images: Sequence[Decoded]) -> Iterator[tuple[Floats, Floats]]:
    """Probabilities [classes] and CAM [h, w] of each image, in order."""
    if images:
        inference = engine.infer(np.stack([image.pixels for image in images]))
        yield from zip(inference.probabilities, inference.cam, strict=True)


def _predicted(work: Work, image: Image, decoded: Decoded, probabilities: Floats, cam: Floats) -> Outcome:
    scores = top_k(probabilities, work.artifact.manifest.labels, k=work.job.top_k)
    return Outcome(
        index=image.index,
        name=image.entry.name,
        sha256=image.entry.sha256,
        size_bytes=image.entry.size_bytes,
        width=decoded.width,
        height=decoded.height,
        label=scores[0]["label"],
        confidence=scores[0]["confidence"],
        top_k=scores,
        cam=cam.astype("<f4").tobytes(),
        cam_height=cam.shape[0],
        cam_width=cam.shape[1],
    )


def top_k(probabilities: Floats, labels: Sequence[str], *, k: int) -> list[Score]:
    """The k likeliest classes, likeliest first; equal ones in the order of the labels."""
    best = np.argsort(-probabilities, kind="stable")[:k]
    return [Score(label=labels[index], confidence=float(probabilities[index])) for index in best]


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

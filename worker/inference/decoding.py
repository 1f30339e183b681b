"""From a shard's object to decoded images, batch by batch."""

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from core.db.tables import Shard
from core.failpoints import Point, failpoint
from core.objects.shard_format import Entry, ShardReader, UnreadableShard
from core.states import ItemErrorCode
from model.arrays import Images
from model.decode import Decoded, UndecodableImage, decode
from model.manifest import InputContract

REFUSAL_MESSAGES = {
    ItemErrorCode.IMAGE_TOO_LARGE: "The image is over this server's size limit and was not kept.",
}

T = TypeVar("T")
Map = Callable[..., Iterator[Decoded | UndecodableImage]]
"""`map`, or the `map` of a thread pool."""


@dataclass(frozen=True)
class Image:
    """One image of a batch: decoded, or the reason why it could not be decoded."""

    index: int
    entry: Entry
    decoded: Decoded | UndecodableImage


def decode_in_batches(
    shard: Shard, reader: ShardReader, size: InputContract, *, batch_size: int, threads: int
) -> Generator[list[Image]]:
    """Yield the shard's images in batches. `threads` > 0 decode the next one while the caller uses one."""
    parts = (shard.positions[start : start + batch_size] for start in range(0, shard.count, batch_size))
    if not threads:
        yield from (decode_batch(shard, reader, part, size) for part in parts)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        decoded = (decode_batch(shard, reader, part, size, map_=pool.map) for part in parts)
        with closing(_prefetched(decoded)) as batches:
            yield from batches


def decode_batch(
    shard: Shard, reader: ShardReader, positions: Sequence[int], size: InputContract, *, map_: Map = map
) -> list[Image]:
    """Read the images at these positions, one after the other, and decode them by `map_`."""
    entries = [reader.entry(position) for position in positions]
    stored = (_read(reader, position) for position in positions)
    decoded = map_(partial(_decode, size), entries, stored)
    return [
        Image(shard.first_index + position, entry, image)
        for position, entry, image in zip(positions, entries, decoded, strict=True)
    ]


def pixels_of(images: Sequence[Image], size: InputContract) -> Images:
    """Return the pixels of the images that could be decoded, in order: uint8 `[N, height, width, 3]`, N possibly 0."""
    pixels = [image.decoded.pixels for image in images if isinstance(image.decoded, Decoded)]
    return np.stack(pixels) if pixels else np.empty((0, size.height, size.width, 3), np.uint8)


def _prefetched(values: Iterator[T]) -> Generator[T]:
    """Yield the values, each computed in a thread while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as thread:
        upcoming = thread.submit(next, values, None)
        while (value := upcoming.result()) is not None:
            upcoming = thread.submit(next, values, None)
            yield value


def _read(reader: ShardReader, position: int) -> bytes | UndecodableImage:
    refused = reader.entry(position).refused
    if refused is not None:
        return UndecodableImage(refused, REFUSAL_MESSAGES.get(refused, "The API refused the image."))
    try:
        return reader.read(position)
    except UnreadableShard as damage:
        return UndecodableImage(ItemErrorCode.OBJECT_CORRUPT, str(damage))


def _decode(size: InputContract, entry: Entry, stored: bytes | UndecodableImage) -> Decoded | UndecodableImage:
    if isinstance(stored, UndecodableImage):
        return stored
    failpoint(Point.IMAGE_DECODED, entry.name)
    try:
        return decode(stored, height=size.height, width=size.width)
    except UndecodableImage as failure:
        return failure

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
from model.arrays import Images
from model.decode import Decoded, UndecodableImage, decode
from model.manifest import InputContract

REFUSALS = {"image_too_large": "The image is over this server's size limit and was not kept."}

Made = TypeVar("Made")
Each = Callable[..., Iterator[Decoded | UndecodableImage]]


@dataclass(frozen=True)
class Image:
    """One image of a batch: decoded, or the reason why not."""

    index: int
    entry: Entry
    decoded: Decoded | UndecodableImage


def batches_of(
    shard: Shard, reader: ShardReader, size: InputContract, *, batch_size: int, threads: int
) -> Generator[list[Image]]:
    """The shard's images in batches. With `threads` they decode, and the next batch while this one is used."""
    parts = (shard.positions[start : start + batch_size] for start in range(0, shard.count, batch_size))
    if not threads:
        yield from (decode_batch(shard, reader, part, size) for part in parts)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        decoded = (decode_batch(shard, reader, part, size, each=pool.map) for part in parts)
        with closing(_made_ahead(decoded)) as ahead:
            yield from ahead


def decode_batch(
    shard: Shard, reader: ShardReader, positions: Sequence[int], size: InputContract, *, each: Each = map
) -> list[Image]:
    """Read one after the other, for the file has one place to read at, and decoded by `each`: map, or a pool's."""
    entries = [reader.entry(position) for position in positions]
    stored = (_stored(reader, position) for position in positions)
    decoded = each(partial(_decoded, size), entries, stored)
    return [
        Image(shard.first_index + position, entry, image)
        for position, entry, image in zip(positions, entries, decoded, strict=True)
    ]


def pixels_of(images: Sequence[Image], size: InputContract) -> Images:
    """Those that could be decoded, in order: uint8 `[N, height, width, 3]`, N possibly 0."""
    pixels = [image.decoded.pixels for image in images if isinstance(image.decoded, Decoded)]
    return np.stack(pixels) if pixels else np.empty((0, size.height, size.width, 3), np.uint8)


def _made_ahead(batches: Iterator[Made]) -> Generator[Made]:
    """The same, each made in a thread while the one before it is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="decode") as ahead:
        upcoming = ahead.submit(next, batches, None)
        while (batch := upcoming.result()) is not None:
            upcoming = ahead.submit(next, batches, None)
            yield batch


def _stored(reader: ShardReader, position: int) -> bytes | UndecodableImage:
    refused = reader.entry(position).refused
    if refused is not None:
        return UndecodableImage(refused, REFUSALS.get(refused, "The image was refused on arrival."))
    try:
        return reader.read(position)
    except UnreadableShard as damage:
        return UndecodableImage("object_corrupt", str(damage))


def _decoded(size: InputContract, entry: Entry, stored: bytes | UndecodableImage) -> Decoded | UndecodableImage:
    if isinstance(stored, UndecodableImage):
        return stored
    failpoint(Point.IMAGE_DECODED, entry.name)
    try:
        return decode(stored, height=size.height, width=size.width)
    except UndecodableImage as failure:
        return failure

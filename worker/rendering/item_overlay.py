"""Overlays of stored images: read the original, draw its item's CAM over it, encode a PNG."""

from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from core.db.tables import Item
from core.objects.shard_format import ShardReader
from core.objects.storage import overlay_key
from model.decode import open_upright
from worker.context import Context
from worker.rendering.heatmap import draw_overlay
from worker.rendering.png import encode_png


def store_overlay(context: Context, item: Item) -> None:
    """Draw and store the overlay of a succeeded item, whose shard is loaded, unless it is stored already."""
    key = overlay_key(item.job_id, item.index)
    if context.storage.exists(key):
        return
    shard = item.shard
    with (
        context.storage.open(shard.object_key) as file,
        closing(ShardReader(file, digest=shard.object_digest)) as reader,
    ):
        original = reader.read(item.index - shard.first_index)
    with context.storage.create(key) as target:
        target.write(overlay_png(item, original))


def overlay_png(item: Item, original: bytes) -> bytes:
    """Return the PNG of a succeeded item's overlay; `original` is its image as it was uploaded."""
    return encode_png(draw_overlay(open_upright(original), cam_of(item)))


def cam_of(item: Item) -> NDArray[np.float32]:
    """Return the CAM [h, w] of a succeeded item."""
    assert item.cam is not None
    assert item.cam_height is not None
    assert item.cam_width is not None
    return np.frombuffer(item.cam, "<f4").reshape(item.cam_height, item.cam_width)

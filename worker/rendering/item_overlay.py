"""Overlays of stored images: read the original, draw its item's CAM, encode a PNG."""

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


def draw_item(context: Context, item: Item) -> None:
    """Stores the overlay of a succeeded item (its shard loaded), unless it lies there already."""
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
    """The PNG of this succeeded item's overlay."""
    return encode_png(draw_overlay(open_upright(original), cam_of(item)))


def cam_of(item: Item) -> NDArray[np.float32]:
    """The item's CAM [h, w]."""
    assert item.cam is not None
    assert item.cam_height is not None
    assert item.cam_width is not None
    return np.frombuffer(item.cam, "<f4").reshape(item.cam_height, item.cam_width)

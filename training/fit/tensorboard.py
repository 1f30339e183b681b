"""Metrics of each epoch in TensorBoard's format, to view with `tensorboard --logdir training-output`."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

FOLDER = "tensorboard"
# The metadata that `tf.summary.scalar` writes; that function needs TensorBoard to be installed.
_SCALAR = tf.compat.v1.SummaryMetadata(plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"))


def write_scalars(run: Path, epoch: int, figures: Mapping[str, float]) -> None:
    """Append the figures of this epoch, counted from 1, to the event files in `run/tensorboard`."""
    writer = tf.summary.create_file_writer(str(run / FOLDER))
    with writer.as_default(step=epoch):
        for name, value in figures.items():
            tf.summary.write(name, tf.constant(value, tf.float32), metadata=_SCALAR)
    writer.close()

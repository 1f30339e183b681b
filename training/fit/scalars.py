"""A run's figures as TensorBoard reads them: `tensorboard --logdir training-output`."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

FOLDER = "tensorboard"
# What `tf.summary.scalar` would write; that function takes TensorBoard to be installed.
SCALAR = tf.compat.v1.SummaryMetadata(plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"))


def write_scalars(out: Path, epoch: int, figures: Mapping[str, float]) -> None:
    """Add this epoch's figures to the events in `out/tensorboard`."""
    writer = tf.summary.create_file_writer(str(out / FOLDER))
    with writer.as_default(step=epoch):
        for name, value in figures.items():
            tf.summary.write(name, tf.constant(value, tf.float32), metadata=SCALAR)
    writer.close()

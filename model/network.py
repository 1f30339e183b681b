"""The classifier that is trained: a backbone of `keras.applications`, average pooling, dropout, dense layer."""

from pathlib import Path

import keras

from model.backbones import BACKBONES, DEFAULT_BACKBONE

SCALE = "scale"
BACKBONE = "backbone"
POOL = "pool"
DROPOUT = "dropout"
LOGITS = "logits"
"""Names of the classifier's layers."""

BATCH_NORM_MOMENTUM = 0.97
"""Keras' default of 0.999 is too slow: a short fine-tuning ends before ImageNet's statistics are forgotten."""


class WeightsError(Exception):
    """The weights cannot be downloaded or read, or belong to another network than the backbone."""


def build_classifier(
    classes: int,
    *,
    backbone: str = DEFAULT_BACKBONE,
    size: int | None = None,
    dropout: float = 0.2,
    weights: Path | str | None = None,
) -> keras.Model:
    """Build a model from uint8 images `[N, size, size, 3]` to logits `[N, classes]`, which scales pixels itself.

    Args:
        classes: number of classes.
        backbone: a key of `BACKBONES`.
        size: side of the images in pixels; None accepts any size.
        dropout: fraction of pooled features that dropout sets to 0 in training.
        weights: a Keras `.weights.h5` file of the backbone without top, "imagenet" for the weights that Keras
            downloads, or None for random weights.

    Raises:
        WeightsError: the weights cannot be had or do not fit the backbone.
    """
    scaling = BACKBONES[backbone]
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    scaled = keras.layers.Rescaling(scaling.scale, offset=scaling.offset, name=SCALE)(images)
    features = build_backbone(size, kind=backbone, weights=weights)(scaled)
    pooled = keras.layers.GlobalAveragePooling2D(name=POOL)(features)
    kept = keras.layers.Dropout(dropout, name=DROPOUT)(pooled)
    return keras.Model(images, keras.layers.Dense(classes, name=LOGITS)(kept), name="classifier")


def build_backbone(size: int | None, *, kind: str = DEFAULT_BACKBONE, weights: Path | str | None = None) -> keras.Model:
    """Build a backbone without its top, as a layer named `backbone`; arguments as in `build_classifier`.

    Raises:
        WeightsError: the weights cannot be had or do not fit the backbone.
    """
    shape, source = (size, size, 3), str(weights) if weights is not None else None
    try:
        backbone = getattr(keras.applications, kind)(input_shape=shape, include_top=False, weights=source)
    except Exception as error:  # Keras raises six types for bad files, and a bare Exception for a failed download
        if source is None:
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"{weights} gives no weights for {kind} without top: {reason}; "
            "give a .weights.h5 file of this backbone with --weights"
        ) from error
    backbone.name = BACKBONE  # set afterward, because EfficientNetV2 takes its layout from the name
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    return backbone

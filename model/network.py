"""The classifier: a backbone of `keras.applications`, average pooling, dropout, dense."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras

SCALE = "scale"
BACKBONE = "backbone"
POOL = "pool"
DROPOUT = "dropout"
LOGITS = "logits"
BATCH_NORM_MOMENTUM = 0.97
MOBILENET = "MobileNetV2"


class WeightsError(Exception):
    """The weights cannot be had, or are not those of the backbone."""


class Family(NamedTuple):
    """How a backbone is built, and the affine map from pixels 0…255 that its ImageNet weights expect."""

    build: Callable[..., keras.Model]
    scale: float | list[float]
    offset: float | list[float]


MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SYMMETRIC = (1 / 127.5, -1.0)
STANDARD = ([1 / (255 * s) for s in DEVIATION], [-m / s for m, s in zip(MEAN, DEVIATION, strict=True)])
WITHIN = (1.0, 0.0)  # the backbone scales by itself

BACKBONES = {
    MOBILENET: Family(keras.applications.MobileNetV2, *SYMMETRIC),
    "MobileNetV3Small": Family(keras.applications.MobileNetV3Small, *WITHIN),
    "MobileNetV3Large": Family(keras.applications.MobileNetV3Large, *WITHIN),
    "ResNet50V2": Family(keras.applications.ResNet50V2, *SYMMETRIC),
    "ResNet101V2": Family(keras.applications.ResNet101V2, *SYMMETRIC),
    "DenseNet121": Family(keras.applications.DenseNet121, *STANDARD),
    "EfficientNetV2B0": Family(keras.applications.EfficientNetV2B0, *WITHIN),
    "EfficientNetV2B3": Family(keras.applications.EfficientNetV2B3, *WITHIN),
    "ConvNeXtTiny": Family(keras.applications.ConvNeXtTiny, *WITHIN),
}


def build_classifier(
    classes: int,
    *,
    backbone: str = MOBILENET,
    size: int | None = None,
    dropout: float = 0.2,
    weights: Path | str | None = None,
) -> keras.Model:
    """A model from uint8 images `[N, size, size, 3]` to logits `[N, classes]`; `size=None` leaves it open.

    `weights` fills the backbone: a Keras `.weights.h5` file of the same network without top, or "imagenet" for
    Keras' own download; None leaves it random. Scaling happens inside the graph. Raises WeightsError.
    """
    family = BACKBONES[backbone]
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    scaled = keras.layers.Rescaling(family.scale, offset=family.offset, name=SCALE)(images)
    features = build_backbone(size, kind=backbone, weights=weights)(scaled)
    pooled = keras.layers.GlobalAveragePooling2D(name=POOL)(features)
    kept = keras.layers.Dropout(dropout, name=DROPOUT)(pooled)
    return keras.Model(images, keras.layers.Dense(classes, name=LOGITS)(kept), name="classifier")


def build_backbone(size: int | None, *, kind: str = MOBILENET, weights: Path | str | None = None) -> keras.Model:
    """A network of BACKBONES without its top, as the layer named `backbone`. Raises WeightsError."""
    shape, given = (size, size, 3), str(weights) if weights is not None else None
    try:
        backbone = BACKBONES[kind].build(input_shape=shape, include_top=False, weights=given)
    except Exception as error:  # Keras raises six types for bad files, and a bare Exception for a failed download
        if given is None:
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{weights} gives no weights for {kind} without top: {reason}") from error
    backbone.name = BACKBONE  # set afterward, because EfficientNetV2 takes its layout from the name
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # At Keras' 0.999 ImageNet's statistics outlive a short fine-tuning.
            layer.momentum = BATCH_NORM_MOMENTUM
    return backbone

"""The classifier: MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381), average pooling, dropout, dense."""

from pathlib import Path

import keras

BACKBONE = "backbone"
LOGITS = "logits"
BATCH_NORM_MOMENTUM = 0.97


def build_classifier(
    classes: int, *, size: int | None = None, dropout: float = 0.2, weights: Path | str | None = None
) -> keras.Model:
    """A model from uint8 images `[N, size, size, 3]` to logits `[N, classes]`; `size=None` leaves it open.

    `weights` fills the backbone: a Keras `.weights.h5` file of MobileNetV2 without top, or "imagenet" for
    Keras' own download; None leaves it random. Scaling to [-1, 1] happens inside the graph.
    """
    images = keras.Input((size, size, 3), dtype="uint8", name="images")
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(images)
    features = build_backbone(size, weights=weights)(scaled)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    kept = keras.layers.Dropout(dropout, name="dropout")(pooled)
    return keras.Model(images, keras.layers.Dense(classes, name=LOGITS)(kept), name="classifier")


def build_backbone(size: int | None, *, weights: Path | str | None = None) -> keras.Model:
    """MobileNetV2 1.0 without its top, as the layer named `backbone`."""
    backbone = keras.applications.MobileNetV2(
        input_shape=(size, size, 3),
        include_top=False,
        weights=str(weights) if weights is not None else None,
        name=BACKBONE,
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # At Keras' 0.999 ImageNet's statistics outlive a short fine-tuning.
            layer.momentum = BATCH_NORM_MOMENTUM
    return backbone

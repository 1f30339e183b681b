"""The backbones of `keras.applications` that can be trained, and the pixel scaling that the weights of each expect.

Importing this module loads no model library, so commands can list the names at once.
"""

from typing import NamedTuple


class Scaling(NamedTuple):
    """The affine map `pixel * scale + offset` from levels 0 to 255 to the backbone's input.

    A list has one value per color channel.
    """

    scale: float | list[float]
    offset: float | list[float]


_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

TO_MINUS_ONE_TO_ONE = Scaling(1 / 127.5, -1.0)
STANDARDIZED = Scaling(
    [1 / (255 * std) for std in _IMAGENET_STD],
    [-mean / std for mean, std in zip(_IMAGENET_MEAN, _IMAGENET_STD, strict=True)],
)
UNSCALED = Scaling(1.0, 0.0)  # these backbones scale in their own first layers

DEFAULT_BACKBONE = "MobileNetV2"

BACKBONES = {
    "MobileNetV2": TO_MINUS_ONE_TO_ONE,
    "MobileNetV3Small": UNSCALED,
    "MobileNetV3Large": UNSCALED,
    "ResNet50V2": TO_MINUS_ONE_TO_ONE,
    "ResNet101V2": TO_MINUS_ONE_TO_ONE,
    "DenseNet121": STANDARDIZED,
    "EfficientNetV2B0": UNSCALED,
    "EfficientNetV2B3": UNSCALED,
    "ConvNeXtTiny": UNSCALED,
}
"""Each name is that of the function in `keras.applications` that builds the backbone."""

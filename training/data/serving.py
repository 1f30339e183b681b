"""Images as workers get them."""

from io import BytesIO

import numpy as np
from PIL import Image

from model.arrays import Images
from model.decode import decode
from model.manifest import InputContract


def decode_as_served(images: Images, contract: InputContract) -> Images:
    """Encode gray or RGB images uint8 `[N, h, w(, 3)]` as PNG files and decode these with the decoder of serving.

    Returns:
        The input of the serving graph, uint8 `[N, height, width, 3]`.
    """
    return np.stack([decode(_png(image), height=contract.height, width=contract.width).pixels for image in images])


def _png(image: Images) -> bytes:
    file = BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()

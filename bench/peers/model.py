"""The model as every peer uses it: Batchlight's decoder and ONNX engine, with one thread a process."""

import base64
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.artifact import find_artifact
from model.decode import decode
from model.engines.load import load_engine

ARTIFACTS = Path(__file__).resolve().parent.parent.parent / "artifacts"
MODEL = "fashion-mnist"
BATCH_SIZE = 16
CORES = os.cpu_count() or 1


class Classifier:
    """Decodes and classifies images."""

    def __init__(self) -> None:
        self._manifest = find_artifact(ARTIFACTS, MODEL).manifest
        self._engine = load_engine(find_artifact(ARTIFACTS, MODEL), engine="onnx", threads=1, batch_size=BATCH_SIZE)
        self._engine.warm_up()

    def decode(self, data: bytes) -> NDArray[np.uint8]:
        """Return the pixels `[height, width, 3]` of an encoded image."""
        return decode(data, height=self._manifest.input.height, width=self._manifest.input.width).pixels

    def classify(self, pixels: Sequence[NDArray[np.uint8]]) -> list[dict[str, object]]:
        """Return label, probability and CAM of each image of pixels `[height, width, 3]`."""
        inference = self._engine.infer(np.stack(pixels))
        return [
            {
                "label": self._manifest.labels[int(probabilities.argmax())],
                "confidence": float(probabilities.max()),
                "cam": cam.tolist(),
            }
            for probabilities, cam in zip(inference.probabilities, inference.cam, strict=True)
        ]


def from_base64(text: str) -> bytes:
    """Return the bytes of an image in base64, as JSON carries it."""
    return base64.b64decode(text)

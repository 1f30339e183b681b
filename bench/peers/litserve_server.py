"""LitServe: `python -m bench.peers.litserve_server PORT`.

It follows LitServe's guide "Speed up serving by 200x": images in base64, decoding in `decode_request`, batches of 16
that wait 10 ms to fill, and one worker a core.
"""

import sys

import litserve
import numpy as np
from numpy.typing import NDArray

from bench.peers.model import BATCH_SIZE, CORES, Classifier, from_base64

BATCH_TIMEOUT_S = 0.01

Pixels = NDArray[np.uint8]


class ImageClassifier(litserve.LitAPI):  # type: ignore[misc]  # litserve is not installed where types are checked
    """Answers an image in base64 with its label, probability and CAM."""

    def setup(self, device: str) -> None:
        self.model = Classifier()

    def decode_request(self, request: dict[str, str]) -> Pixels:
        return self.model.decode(from_base64(request["image_data"]))

    def batch(self, inputs: list[Pixels]) -> list[Pixels]:
        return inputs

    def predict(self, x: list[Pixels]) -> list[dict[str, object]]:
        return self.model.classify(x)

    def unbatch(self, output: list[dict[str, object]]) -> list[dict[str, object]]:
        return output

    def encode_response(self, output: dict[str, object]) -> dict[str, object]:
        return output


if __name__ == "__main__":
    api = ImageClassifier(max_batch_size=BATCH_SIZE, batch_timeout=BATCH_TIMEOUT_S)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=CORES)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")

"""BentoML: `bentoml serve bench.peers.bentoml_service:ImageClassifier --port PORT`.

It follows BentoML's guide "Adaptive batching": a batchable endpoint whose batch size the server chooses, and one worker
a core.
"""

from pathlib import Path

import bentoml

from bench.peers.model import CORES, Classifier

MAX_BATCH_SIZE = 64


@bentoml.service(workers=CORES, traffic={"timeout": 120})
class ImageClassifier:
    """Answers a batch of image files with label, probability and CAM of each."""

    def __init__(self) -> None:
        self.model = Classifier()

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=60_000)  # type: ignore[untyped-decorator]  # bentoml is not installed where types are checked
    def predict(self, images: list[Path]) -> list[dict[str, object]]:
        return self.model.classify([self.model.decode(image.read_bytes()) for image in images])

"""BentoML: `bentoml serve bench.peers.bentoml_service:ImageClassifier --port PORT`.

After its guide "Adaptive batching": a batchable endpoint, whose batches the server sizes by itself; a worker a core.
"""

from pathlib import Path

import bentoml

from bench.peers.model import CORES, Classifier

MAX_BATCH_SIZE = 64


@bentoml.service(workers=CORES, traffic={"timeout": 120})
class ImageClassifier:
    def __init__(self) -> None:
        self.model = Classifier()

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=60_000)  # type: ignore[untyped-decorator]  # it is not installed here
    def predict(self, images: list[Path]) -> list[dict[str, object]]:
        return self.model.classify([self.model.decode(image.read_bytes()) for image in images])

"""The artefact's ONNX graph in ONNX Runtime: the engine of machines without a GPU."""

from collections.abc import Sequence

import numpy as np
import onnxruntime

from model.artifact import Artifact
from model.engine import EngineName, Floats, Images, Inference, batches

ERRORS_ONLY = 3


class OnnxEngine:
    """`threads` bounds the cores of one inference; `batch_size` bounds its memory."""

    name: EngineName = "onnx"

    def __init__(self, artifact: Artifact, *, precision: str, threads: int, batch_size: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # Idle threads that spin take the core away from the thread that decodes the next images.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graph = artifact.path / artifact.manifest.precisions[precision].graph
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._shape = (artifact.manifest.input.height, artifact.manifest.input.width, 3)
        self._batch_size = batch_size

    def infer(self, images: Images) -> Inference:
        return Inference(*self._fetch(("probabilities", "cam"), images))

    def features(self, images: Images) -> Floats:
        return self._fetch(("features",), images)[0]

    def warm_up(self) -> None:
        self.infer(np.zeros((self._batch_size, *self._shape), np.uint8))

    def _fetch(self, outputs: Sequence[str], images: Images) -> list[Floats]:
        runs = [self._session.run(outputs, {"images": batch}) for batch in batches(images, self._batch_size)]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]

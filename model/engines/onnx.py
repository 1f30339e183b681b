"""The onnx engine: an artifact's ONNX graph in ONNX Runtime on the CPU."""

from collections.abc import Generator, Iterable, Iterator, Sequence

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state

from model.arrays import Floats, Images
from model.artifact import Artifact, ArtifactCorrupt
from model.engines.interface import EngineName, Inference, Tag, split_batches
from model.engines.processor import has_vnni
from model.manifest import Manifest

Contract = dict[str, tuple[str, tuple[int, ...]]]
"""Type and shape, without the batch axis, of each input or output by its name."""

LOG_ERRORS_ONLY = 3

# ONNX Runtime raises fifteen exception types, which have no common base class but Exception.
_ONNX_RUNTIME_ERRORS = tuple(
    value
    for value in vars(onnxruntime_pybind11_state).values()
    if isinstance(value, type) and issubclass(value, Exception)
)


class OnnxEngine:
    """Runs one ONNX graph. `threads` bounds the cores of one inference; `batch_size` bounds its memory."""

    name: EngineName = "onnx"

    def __init__(self, artifact: Artifact, *, precision: str, threads: int, batch_size: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = LOG_ERRORS_ONLY
        # An idle thread that spins takes the core away from the thread that decodes the next images.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not has_vnni():
            # Without VNNI int8 products saturate, which changes the results; this setting avoids it at half the speed.
            options.add_session_config_entry("session.x64quantprecision", "1")
        graph = artifact.path / artifact.manifest.precisions[precision].graph
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except _ONNX_RUNTIME_ERRORS as error:
            reason = str(error).splitlines()[0]
            raise ArtifactCorrupt(f"{graph} is not a graph that ONNX Runtime can run: {reason}") from error
        if violations := _contract_violations(self._session, artifact.manifest):
            raise ArtifactCorrupt(f"{graph} does not keep the contract of docs/models.md: {'; '.join(violations)}")
        self._shape = (artifact.manifest.input.height, artifact.manifest.input.width, 3)
        self.batch_size = batch_size

    def infer(self, images: Images) -> Inference:
        return Inference(*self._fetch(("probabilities", "cam"), images))

    def infer_each(self, batches: Iterable[tuple[Tag, Images]]) -> Generator[tuple[Tag, Inference]]:
        for tag, images in batches:
            yield tag, self.infer(images)

    def features(self, images: Images) -> Floats:
        return self._fetch(("features",), images)[0]

    def warm_up(self) -> None:
        self.infer(np.zeros((self.batch_size, *self._shape), np.uint8))

    def _fetch(self, outputs: Sequence[str], images: Images) -> list[Floats]:
        runs = [self._session.run(outputs, {"images": batch}) for batch in split_batches(images, self.batch_size)]
        return [np.concatenate(arrays) for arrays in zip(*runs, strict=True)]


def _contract_violations(session: onnxruntime.InferenceSession, manifest: Manifest) -> list[str]:
    """List where the graph's inputs and outputs differ from the manifest; `features` may be absent."""
    size, cam = manifest.input, manifest.cam
    inputs: Contract = {"images": ("tensor(uint8)", (size.height, size.width, 3))}
    outputs: Contract = {
        "probabilities": ("tensor(float)", (len(manifest.labels),)),
        "cam": ("tensor(float)", (cam.height, cam.width)),
    }
    graph_inputs = {node.name: node for node in session.get_inputs()}
    graph_outputs = {node.name: node for node in session.get_outputs()}
    surplus = [f"it has an unknown input {name!r}" for name in graph_inputs.keys() - inputs.keys()]
    return surplus + [
        violation
        for kind, nodes, contract in (("input", graph_inputs, inputs), ("output", graph_outputs, outputs))
        for name, (dtype, shape) in contract.items()
        for violation in _tensor_violations(kind, name, nodes.get(name), dtype=dtype, shape=shape)
    ]


def _tensor_violations(
    kind: str, name: str, node: onnxruntime.NodeArg | None, *, dtype: str, shape: tuple[int, ...]
) -> Iterator[str]:
    """Say what is wrong with one input or output, whose first axis must accept any number of images."""
    if node is None:
        yield f"it has no {kind} {name!r}"
        return
    if node.type != dtype:
        yield f"{name!r} is {node.type}, not {dtype}"
    batch_axis, *rest = node.shape or [None]
    if isinstance(batch_axis, int):
        yield f"{name!r} takes {batch_axis} images at a time; leave its first axis open"
    fits = [not isinstance(size, int) or size == expected for size, expected in zip(rest, shape, strict=False)]
    if len(rest) != len(shape) or not all(fits):
        yield f"{name!r} is {list(node.shape)}, not [N, {', '.join(map(str, shape))}]"

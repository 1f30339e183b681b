"""The artifact's ONNX graph in ONNX Runtime: the engine of machines without a GPU."""

from collections.abc import Generator, Iterable, Iterator, Sequence

import numpy as np
import onnxruntime

from model.artifact import Artifact, ArtifactCorrupt
from model.engines.interface import EngineName, Floats, Images, Inference, Tag, batches
from model.engines.processor import has_vnni
from model.manifest import Manifest

Contract = dict[str, tuple[str, tuple[int, ...]]]

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
        if not has_vnni():
            # There an int8 graph would saturate, and give other numbers than elsewhere; this costs half its speed.
            options.add_session_config_entry("session.x64quantprecision", "1")
        graph = artifact.path / artifact.manifest.precisions[precision].graph
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's nine exception types have no parent but this
            reason = str(error).splitlines()[0]
            raise ArtifactCorrupt(f"{graph} is no graph that ONNX Runtime can run: {reason}") from error
        if breaches := _breaches(self._session, artifact.manifest):
            raise ArtifactCorrupt(f"{graph} does not keep the contract: {'; '.join(breaches)}")
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
        runs = [self._session.run(outputs, {"images": batch}) for batch in batches(images, self.batch_size)]
        return [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def _breaches(session: onnxruntime.InferenceSession, manifest: Manifest) -> list[str]:
    """What the graph takes and gives that is not as the manifest says; `features` may be absent."""
    size, cam = manifest.input, manifest.cam
    inputs: Contract = {"images": ("tensor(uint8)", (size.height, size.width, 3))}
    outputs: Contract = {
        "probabilities": ("tensor(float)", (len(manifest.labels),)),
        "cam": ("tensor(float)", (cam.height, cam.width)),
    }
    taken, given = ({node.name: node for node in nodes} for nodes in (session.get_inputs(), session.get_outputs()))
    surplus = [f"it takes {name!r}, which nobody gives" for name in taken.keys() - inputs.keys()]
    wanted = [("input", taken, inputs), ("output", given, outputs)]
    return surplus + [
        breach
        for kind, nodes, contract in wanted
        for name, (dtype, shape) in contract.items()
        for breach in _breach(kind, name, nodes.get(name), dtype, shape)
    ]


def _breach(
    kind: str, name: str, node: onnxruntime.NodeArg | None, dtype: str, shape: tuple[int, ...]
) -> Iterator[str]:
    """What is wrong with this input or output, whose first axis must take any number of images."""
    if node is None:
        yield f"it has no {kind} {name!r}"
        return
    if node.type != dtype:
        yield f"{name!r} is {node.type}, not {dtype}"
    first, *rest = node.shape or [None]
    if isinstance(first, int):
        yield f"{name!r} takes {first} images at a time; leave its first axis open"
    fits = [not isinstance(size, int) or size == want for size, want in zip(rest, shape, strict=False)]
    if len(rest) != len(shape) or not all(fits):
        yield f"{name!r} is {list(node.shape)}, not [N, {', '.join(map(str, shape))}]"

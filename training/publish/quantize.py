"""The serving graph in int8: twice as fast on a CPU, with the CAM still computed in float.

Static quantization by ONNX Runtime: weights int8 per channel, activations uint8 by ranges met in training images.
Everything behind `features` stays float, and so do the first convolutions, of which the depthwise one cost more than
any other layer measured. What is left is mostly a shift of each channel's mean, which is taken back layer by layer
(bias correction: Nagel et al., 2019, arXiv:1906.04721).
"""

import contextlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from model.engines.interface import Images, batches

CALIBRATION_IMAGES = 256
CORRECTION_IMAGES = 96
BATCH = 16
# On validation images the CAM stayed closer to fp32 than with minimum to maximum or, before correction, with entropy.
PERCENTILE = 99.99
FLOAT_CONVOLUTIONS = 3
QUANTISED = ("Conv", "Add", "Clip", "Relu", "MatMul")
ERRORS_ONLY = 3


def quantize(graph: Path, target: Path, images: Images) -> None:
    """Write the int8 twin of a serving graph; `images` uint8 `[N, h, w, 3]` are training images as they are served."""
    with tempfile.TemporaryDirectory() as folder:
        plain, rough = Path(folder) / "plain.onnx", Path(folder) / "rough.onnx"
        quant_pre_process(graph, plain, skip_symbolic_shape=True)
        reference = _with_biases(onnx.load(plain))
        onnx.save(reference, plain)
        with contextlib.redirect_stdout(io.StringIO()):  # the calibration prints as it goes
            quantize_static(
                plain,
                rough,
                _Calibration(images[:CALIBRATION_IMAGES]),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(QUANTISED),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=float_nodes(reference),
                calibrate_method=CalibrationMethod.Percentile,
                # The stride bounds how many activations are in memory at a time.
                extra_options={"CalibPercentile": PERCENTILE, "CalibStridedMinMax": 1},
            )
        quantized = onnx.load(rough)
    _correct_biases(quantized, reference, images[:CORRECTION_IMAGES])
    onnx.save(quantized, target)


def rescale_temperature(graph: Path, factor: float) -> None:
    """Divide the logits behind `probabilities` by this factor too, in the file."""
    proto = onnx.load(graph)
    (softmax,) = (node for node in proto.graph.node if "probabilities" in node.output)
    inverse, scaled = "temperature_factor_inverse", "logits_rescaled"
    proto.graph.initializer.append(numpy_helper.from_array(np.array(1 / factor, np.float32), inverse))
    division = helper.make_node("Mul", [softmax.input[0], inverse], [scaled], name="rescale_temperature")
    proto.graph.node.insert(list(proto.graph.node).index(softmax), division)
    softmax.input[0] = scaled
    onnx.checker.check_model(proto)
    onnx.save(proto, graph)


def float_nodes(proto: ModelProto) -> list[str]:
    """The nodes that are not quantized: all up to the fourth convolution, and all that `features` does not need."""
    trunk = _needed_for(proto, "features")
    nodes = list(proto.graph.node)
    convolutions = [number for number, node in enumerate(nodes) if node.op_type == "Conv"]
    first = convolutions[min(FLOAT_CONVOLUTIONS, len(convolutions) - 1)]
    return [node.name for number, node in enumerate(nodes) if number < first or node.name not in trunk]


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime ships no types
    """The images in batches, as ONNX Runtime asks for them."""

    def __init__(self, images: Images) -> None:
        self._batches = list(batches(images, BATCH))
        self.set_range(0, len(self._batches))

    def __len__(self) -> int:
        return len(self._batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._left = iter(self._batches[start_index:end_index])

    def get_next(self) -> dict[str, Images] | None:
        batch = next(self._left, None)
        return None if batch is None else {"images": batch}


def _needed_for(proto: ModelProto, output: str) -> set[str]:
    """The names of the nodes that this output is made by."""
    makers = {name: node for node in proto.graph.node for name in node.output}
    wanted, found = [output], set[str]()
    while wanted:
        node = makers.get(wanted.pop())
        if node is not None and node.name not in found:
            found.add(node.name)
            wanted += node.input
    return found


def _with_biases(proto: ModelProto) -> ModelProto:
    """The same graph, in which every convolution has a bias to correct, be it zero."""
    weights = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "Conv" and len(node.input) == 2 and node.input[1] in weights:
            zero = np.zeros(weights[node.input[1]].dims[0], np.float32)
            name = f"{node.name}_bias"
            proto.graph.initializer.append(numpy_helper.from_array(zero, name))
            node.input.append(name)
    return proto


def _correct_biases(quantized: ModelProto, reference: ModelProto, images: Images) -> None:
    """Shift the int32 biases, first layer first, so that each channel's mean is that of the float graph."""
    layers = list(_quantized_convolutions(quantized))
    expected = _means(reference, [output.removesuffix("_DequantizeLinear_Output") for _, output in layers], images)
    initializers = {tensor.name: tensor for tensor in quantized.graph.initializer}
    for (bias, output), mean in zip(layers, expected, strict=True):
        (found,) = _means(quantized, [output], images)
        values, scale = (initializers[name] for name in bias.input[:2])
        steps = np.rint((mean - found) / numpy_helper.to_array(scale))
        corrected = (numpy_helper.to_array(values) + steps).astype(np.int32)
        values.CopyFrom(numpy_helper.from_array(corrected, values.name))


def _quantized_convolutions(proto: ModelProto) -> Iterator[tuple[NodeProto, str]]:
    """For each convolution the node that dequantizes its bias, and its own output once dequantized."""
    makers = {name: node for node in proto.graph.node for name in node.output}
    takers = {name: node for node in proto.graph.node for name in node.input}
    for node in proto.graph.node:
        bias = makers.get(node.input[2]) if node.op_type == "Conv" and len(node.input) == 3 else None
        if bias is not None and bias.op_type == "DequantizeLinear":
            quantizer = takers[node.output[0]]
            yield bias, takers[quantizer.output[0]].output[0]


def _means(proto: ModelProto, tensors: Sequence[str], images: Images) -> list[NDArray[np.float64]]:
    """The mean per channel of these tensors `[N, C, h, w]` over the images."""
    opened = ModelProto()
    opened.CopyFrom(proto)
    known = {output.name for output in opened.graph.output}
    opened.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in tensors if name not in known)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(opened.SerializeToString(), options, providers=["CPUExecutionProvider"])
    runs = [session.run(list(tensors), {"images": batch}) for batch in batches(images, BATCH)]
    return [np.concatenate(parts).mean(axis=(0, 2, 3), dtype=np.float64) for parts in zip(*runs, strict=True)]

"""Quantize a serving graph to int8: twice as fast on a CPU, with the CAM still computed in float32.

ONNX Runtime quantizes statically: weights to int8 per channel, activations to uint8 with ranges from training images.
Everything behind `features` stays float32. So do the first convolutions, because the depthwise one among them lost the
most accuracy of all layers measured. The remaining error is mostly a shift of each channel's mean, which is
corrected layer by layer (bias correction: Nagel et al., 2019, arXiv:1906.04721).
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

from model.arrays import Images
from model.engines.interface import split_batches

CALIBRATION_IMAGES = 256
CORRECTION_IMAGES = 96
BATCH_SIZE = 16
RANGE_PERCENTILE = 99.99
"""With this range the CAM on validation images was closer to fp32 than with minimum to maximum or with entropy."""

FLOAT_CONVOLUTIONS = 3
QUANTIZED_OPERATIONS = ("Conv", "Add", "Clip", "Relu", "MatMul")
LOG_ERRORS_ONLY = 3


def quantize(graph: Path, target: Path, images: Images) -> None:
    """Write the int8 form of a serving graph to `target`; `images` uint8 `[N, h, w, 3]` are decoded training images."""
    with tempfile.TemporaryDirectory() as folder:
        plain, uncorrected = Path(folder) / "plain.onnx", Path(folder) / "uncorrected.onnx"
        quant_pre_process(graph, plain, skip_symbolic_shape=True)
        reference = _with_biases(onnx.load(plain))
        onnx.save(reference, plain)
        with contextlib.redirect_stdout(io.StringIO()):  # the calibration prints its progress
            quantize_static(
                plain,
                uncorrected,
                _Calibration(images[:CALIBRATION_IMAGES]),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(QUANTIZED_OPERATIONS),
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=float_nodes(reference),
                calibrate_method=CalibrationMethod.Percentile,
                # The stride bounds the number of activations in memory.
                extra_options={"CalibPercentile": RANGE_PERCENTILE, "CalibStridedMinMax": 1},
            )
        quantized = onnx.load(uncorrected)
    _correct_biases(quantized, reference, images[:CORRECTION_IMAGES])
    onnx.save(quantized, target)


def rescale_temperature(graph: Path, factor: float) -> None:
    """Divide the logits of `probabilities` by this factor, in the graph's file."""
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
    """Return the nodes that stay float32: all before the fourth convolution, and all that `features` does not need."""
    trunk = _needed_for(proto, "features")
    nodes = list(proto.graph.node)
    convolutions = [number for number, node in enumerate(nodes) if node.op_type == "Conv"]
    first = convolutions[min(FLOAT_CONVOLUTIONS, len(convolutions) - 1)]
    return [node.name for number, node in enumerate(nodes) if number < first or node.name not in trunk]


class _Calibration(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime ships no types
    """Gives ONNX Runtime the calibration images in batches."""

    def __init__(self, images: Images) -> None:
        self._batches = list(split_batches(images, BATCH_SIZE))
        self.set_range(0, len(self._batches))

    def __len__(self) -> int:
        return len(self._batches)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._remaining = iter(self._batches[start_index:end_index])

    def get_next(self) -> dict[str, Images] | None:
        batch = next(self._remaining, None)
        return None if batch is None else {"images": batch}


def _needed_for(proto: ModelProto, output: str) -> set[str]:
    """Return the names of the nodes that this output depends on."""
    producers = {name: node for node in proto.graph.node for name in node.output}
    pending, needed = [output], set[str]()
    while pending:
        node = producers.get(pending.pop())
        if node is not None and node.name not in needed:
            needed.add(node.name)
            pending += node.input
    return needed


def _with_biases(proto: ModelProto) -> ModelProto:
    """Add a bias of zeros to every convolution without one, so that it can be corrected."""
    weights = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "Conv" and len(node.input) == 2 and node.input[1] in weights:
            zero = np.zeros(weights[node.input[1]].dims[0], np.float32)
            name = f"{node.name}_bias"
            proto.graph.initializer.append(numpy_helper.from_array(zero, name))
            node.input.append(name)
    return proto


def _correct_biases(quantized: ModelProto, reference: ModelProto, images: Images) -> None:
    """Shift the int32 biases from the first layer on, so that each channel's mean equals that of the float graph."""
    layers = list(_quantized_convolutions(quantized))
    expected = _channel_means(
        reference, [output.removesuffix("_DequantizeLinear_Output") for _, output in layers], images
    )
    initializers = {tensor.name: tensor for tensor in quantized.graph.initializer}
    for (bias, output), mean in zip(layers, expected, strict=True):
        (actual,) = _channel_means(quantized, [output], images)
        values, scale = (initializers[name] for name in bias.input[:2])
        steps = np.rint((mean - actual) / numpy_helper.to_array(scale))
        corrected = (numpy_helper.to_array(values) + steps).astype(np.int32)
        values.CopyFrom(numpy_helper.from_array(corrected, values.name))


def _quantized_convolutions(proto: ModelProto) -> Iterator[tuple[NodeProto, str]]:
    """Yield, for each convolution, the node that dequantizes its bias and the name of its dequantized output."""
    producers = {name: node for node in proto.graph.node for name in node.output}
    consumers = {name: node for node in proto.graph.node for name in node.input}
    for node in proto.graph.node:
        bias = producers.get(node.input[2]) if node.op_type == "Conv" and len(node.input) == 3 else None
        if bias is not None and bias.op_type == "DequantizeLinear":
            quantizer = consumers[node.output[0]]
            yield bias, consumers[quantizer.output[0]].output[0]


def _channel_means(proto: ModelProto, tensors: Sequence[str], images: Images) -> list[NDArray[np.float64]]:
    """Return the mean over the images, per channel, of these tensors `[N, C, h, w]`."""
    extended = ModelProto()
    extended.CopyFrom(proto)
    existing = {output.name for output in extended.graph.output}
    extended.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in tensors if name not in existing)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = LOG_ERRORS_ONLY
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(extended.SerializeToString(), options, providers=["CPUExecutionProvider"])
    runs = [session.run(list(tensors), {"images": batch}) for batch in split_batches(images, BATCH_SIZE)]
    return [np.concatenate(parts).mean(axis=(0, 2, 3), dtype=np.float64) for parts in zip(*runs, strict=True)]

"""Convert a serving graph to ONNX."""

from pathlib import Path

import keras
import onnx
import tensorflow as tf
import tf2onnx

OPSET = 17


def write_onnx(model: keras.Model, file: Path) -> None:
    """Write a `model.head.serving_model` to an ONNX file, with the same inputs and outputs and an open batch axis."""
    specification = tf.TensorSpec(model.input_shape, tf.uint8, name="images")
    serve = tf.function(lambda images: model(images, training=False), input_signature=[specification])
    proto, _ = tf2onnx.convert.from_function(serve, input_signature=serve.input_signature, opset=OPSET)
    _set_shapes(proto, model)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, file)


def _set_shapes(proto: onnx.ModelProto, model: keras.Model) -> None:
    """Name the batch axis `batch` and set the sizes that the converter did not infer."""
    shapes = {"images": model.input_shape} | {name: tensor.shape for name, tensor in model.output.items()}
    for value in (*proto.graph.input, *proto.graph.output):
        for dimension, size in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
            if size is None:
                dimension.dim_param = "batch"
            else:
                dimension.dim_value = size

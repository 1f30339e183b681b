"""The baseline: a Celery task per image with `model.predict` and a `GradientTape`, as tutorials write it.

`celery -A bench.baselines.celery_app worker` reads its broker from CELERY_BROKER_URL and its result backend from
CELERY_RESULT_BACKEND. Grad-CAM follows the example of keras.io ("Grad-CAM class activation visualization", F. Chollet,
2020).
"""

import io

import keras
import numpy as np
import tensorflow as tf
from celery import Celery
from numpy.typing import NDArray
from PIL import Image

from bench.harness.bench_harness import ARTIFACTS, MODEL
from model.artifact import find_artifact
from model.engines.interface import KERAS_MODEL
from model.network import BACKBONE, SCALE

app = Celery("baseline")
app.conf.update(accept_content=["pickle", "json"], task_serializer="pickle")

_loaded: dict[str, keras.Model] = {}


@app.task(name="baseline.classify")
def classify(data: bytes) -> dict[str, object]:
    """Return the index of the most probable label, its probability, and the heatmap of one encoded image."""
    model, grad_model = _models()
    picture = Image.open(io.BytesIO(data)).convert("RGB").resize(model.input_shape[1:3])
    images = np.expand_dims(np.array(picture), axis=0)
    probabilities = keras.ops.softmax(model.predict(images, verbose=0)[0]).numpy()
    heatmap = make_gradcam_heatmap(images, grad_model)
    best = int(np.argmax(probabilities))
    return {"label": best, "confidence": float(probabilities[best]), "heatmap": heatmap.tolist()}


def make_gradcam_heatmap(images: NDArray[np.uint8], grad_model: keras.Model) -> NDArray[np.float32]:
    """Return the Grad-CAM heatmap `[h, w]`, at most 1, of images `[1, height, width, 3]`."""
    with tf.GradientTape() as tape:
        output, predictions = grad_model(images)
        class_channel = predictions[:, tf.argmax(predictions[0])]
    grads = tape.gradient(class_channel, output)
    pooled = tf.reduce_mean(grads, axis=(0, 1, 2))
    heatmap = tf.squeeze(output[0] @ pooled[..., tf.newaxis])
    normalized: NDArray[np.float32] = (tf.maximum(heatmap, 0) / tf.math.reduce_max(heatmap)).numpy()
    return normalized


def _models() -> tuple[keras.Model, keras.Model]:
    """The model and its Grad-CAM model, which each process loads on its first task."""
    if not _loaded:
        artifact = find_artifact(ARTIFACTS, MODEL)
        model = keras.saving.load_model(artifact.path / KERAS_MODEL, compile=False)
        _loaded["model"], _loaded["grad"] = model, _grad_model(model, artifact.manifest.cam.layer)
    return _loaded["model"], _loaded["grad"]


def _grad_model(model: keras.Model, layer_name: str) -> keras.Model:
    """A model from images to the CAM layer's output and the logits."""
    backbone = model.get_layer(BACKBONE)
    inner = keras.Model(backbone.input, [backbone.get_layer(layer_name).output, backbone.output])
    images = keras.Input(model.input_shape[1:])
    output, features = inner(model.get_layer(SCALE)(images))
    for layer in model.layers[model.layers.index(backbone) + 1 :]:
        features = layer(features)
    return keras.Model(images, [output, features])

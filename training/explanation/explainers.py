"""The methods whose maps are measured, and the orders of pixels that know nothing of the network beside them."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray

from model.artifact import Artifact
from model.engines.interface import KERAS_MODEL, Engine, Floats, Images, load_engine
from model.explanation.cam import Formula, Head, grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, served_cam
from model.explanation.integrated_gradients import IntegratedGradients
from model.explanation.masking import occlusion, score_cam
from model.head import features_layer, has_tail, head_of
from training.data.fashion_mnist import Examples
from training.evaluation.evaluate import as_served
from training.explanation.findings import CENTER, RANDOM, SERVED

Explain = Callable[["Subject"], Floats]


class Subject(NamedTuple):
    """A loaded model, images as it takes them, the classes it predicts for them, and the true ones."""

    engine: Engine
    images: Images
    classes: NDArray[np.int64]
    labels: NDArray[np.int64]

    def classify(self, images: Images) -> Floats:
        return self.engine.infer(images).probabilities

    def first(self, count: int) -> "Subject":
        return Subject(self.engine, self.images[:count], self.classes[:count], self.labels[:count])


class Explainer(NamedTuple):
    """A method by the name that reports use; a dear one costs hundreds of classifications an image."""

    name: str
    maps: Explain
    dear: bool = False


def load_subject(artifact: Artifact, examples: Examples, *, threads: int = 2) -> Subject:
    """The artifact's ONNX graph and these examples as serving would decode them."""
    engine = load_engine(artifact, engine="onnx", threads=threads, batch_size=32)
    images = as_served(examples.images, artifact.manifest.input)
    return Subject(engine, images, engine.infer(images).probabilities.argmax(axis=1), examples.labels)


def load_classifier(artifact: Artifact) -> keras.Model:
    """The artifact's Keras model."""
    return keras.saving.load_model(artifact.path / KERAS_MODEL, compile=False)


def explainers(classifier: keras.Model, *, cells: tuple[int, int], seed: int) -> Iterator[Explainer]:
    """All methods, then all baselines; random maps have as many cells as the CAM."""
    head = head_of(classifier)
    closed = {SERVED: served_cam, "Grad-CAM++": grad_cam_plus_plus, "HiResCAM": hires_cam, "LayerCAM": layer_cam}
    if has_tail(classifier):
        closed[f"Grad-CAM at {features_layer(classifier)}"] = grad_cam
    for name, formula in closed.items():
        yield Explainer(name, partial(_closed, formula, head))
    gradients = IntegratedGradients(classifier)
    yield Explainer("Score-CAM", _score_cam, dear=True)
    yield Explainer("Integrated Gradients", lambda of: gradients(of.images, of.classes), dear=True)
    yield Explainer("occlusion", lambda of: occlusion(of.classify, of.images, of.classes), dear=True)
    yield Explainer(RANDOM, lambda of: random_maps(len(of.images), cells, seed=seed))
    yield Explainer("random pixels", lambda of: random_maps(len(of.images), of.images.shape[1:3], seed=seed))
    yield Explainer(CENTER, lambda of: center_blobs(of.images))
    yield Explainer("brightness", lambda of: brightness(of.images))
    yield Explainer("edges", lambda of: edges(of.images))


def random_maps(count: int, shape: tuple[int, ...], *, seed: int) -> Floats:
    """Independent uniform values `[N, *shape]`."""
    return np.random.default_rng(seed).random((count, *shape), np.float32)


def center_blobs(images: Images) -> Floats:
    """For every image the same Gaussian in the center, its deviation a quarter of the side, `[N, height, width]`."""
    down, across = (np.exp(-(np.linspace(-2, 2, side) ** 2) / 2) for side in images.shape[1:3])
    return np.broadcast_to(np.outer(down, across).astype(np.float32), images.shape[:3])


def brightness(images: Images) -> Floats:
    """The mean of the colors of each pixel."""
    levels: Floats = images.mean(axis=3, dtype=np.float32)
    return levels


def edges(images: Images) -> Floats:
    """How steep the brightness is at each pixel."""
    down, across = np.gradient(brightness(images), axis=(1, 2))
    steepness: Floats = np.hypot(down, across)
    return steepness


def _closed(formula: Formula, head: Head, of: Subject) -> Floats:
    return formula(of.engine.features(of.images), head, classes=of.classes)


def _score_cam(of: Subject) -> Floats:
    return score_cam(of.classify, of.images, of.engine.features(of.images), of.classes)

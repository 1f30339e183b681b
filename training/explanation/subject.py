"""A loaded model and the images whose explanations are evaluated."""

from typing import NamedTuple

import keras

from model.arrays import Floats, Images
from model.artifact import Artifact, ArtifactMissing
from model.engines.interface import KERAS_MODEL, Engine
from model.engines.load import load_engine
from training.data.examples import Examples, Labels
from training.data.serving import decode_as_served

BATCH_SIZE = 32


class Subject(NamedTuple):
    """A loaded model, its input images uint8 `[N, h, w, 3]`, and their predicted and true classes, each `[N]`."""

    engine: Engine
    images: Images
    predicted: Labels
    labels: Labels

    def classify(self, images: Images) -> Floats:
        """Return the probabilities `[K, classes]` of images `[K, h, w, 3]`."""
        return self.engine.infer(images).probabilities

    def first(self, count: int) -> "Subject":
        """Return the same model with the first `count` images."""
        return Subject(self.engine, self.images[:count], self.predicted[:count], self.labels[:count])


def load_subject(artifact: Artifact, examples: Examples, *, threads: int = 2) -> Subject:
    """Load the artifact's ONNX graph, decode the examples as serving does, and classify them."""
    engine = load_engine(artifact, engine="onnx", threads=threads, batch_size=BATCH_SIZE)
    images = decode_as_served(examples.images, artifact.manifest.input)
    return Subject(engine, images, engine.infer(images).probabilities.argmax(axis=1), examples.labels)


def load_classifier(artifact: Artifact) -> keras.Model:
    """Load the artifact's Keras model. Raises ArtifactMissing if it has none."""
    if KERAS_MODEL not in artifact.manifest.files:
        raise ArtifactMissing(f"{artifact.path} has no {KERAS_MODEL}, which explanations are computed from")
    return keras.saving.load_model(artifact.path / KERAS_MODEL, compile=False)

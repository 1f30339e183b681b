"""The data and the backbone of small training runs."""

from collections.abc import Iterator

import keras
import pytest

from model.backbones import BACKBONES, Scaling
from tests.model.samples import sample_grays, sample_labels
from training.data.dataset import Dataset
from training.data.examples import Examples
from training.data.fashion_mnist import LABELS


@pytest.fixture(scope="session")
def samples() -> Dataset:
    return Dataset("samples", LABELS, Examples(sample_grays(), sample_labels()))


@pytest.fixture(scope="session")
def tiny() -> Iterator[str]:
    """The name of a backbone with five convolutions, which trains in a second."""
    BACKBONES["Tiny"] = Scaling(1 / 127.5, -1.0)
    keras.applications.Tiny = build_tiny
    yield "Tiny"
    del keras.applications.Tiny, BACKBONES["Tiny"]


def build_tiny(*, input_shape: tuple[int | None, int | None, int], include_top: bool, weights: None) -> keras.Model:
    assert not include_top
    layer = images = keras.Input(input_shape)
    for channels in (8, 8, 16, 16, 32):
        layer = keras.layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(layer)
        layer = keras.layers.ReLU()(keras.layers.BatchNormalization()(layer))
    return keras.Model(images, layer)

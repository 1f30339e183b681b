"""The explanation methods and baselines that are evaluated."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import keras

from model.arrays import Floats
from model.explanation.cam import Formula, Head, grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, served_cam
from model.explanation.integrated_gradients import IntegratedGradients
from model.explanation.masking import occlusion, score_cam
from model.head import features_layer, has_tail, head_of
from training.explanation.baselines import brightness, center_blobs, edges, random_maps
from training.explanation.findings import CENTER, RANDOM, SERVED
from training.explanation.subject import Subject


class ExplanationMethod(NamedTuple):
    """A method under the name that reports use; `maps` returns one map `[h, w]` per image of a subject.

    An expensive method costs hundreds of classifications per image.
    """

    name: str
    maps: Callable[[Subject], Floats]
    expensive: bool = False


def explanation_methods(
    classifier: keras.Model, *, cam_shape: tuple[int, int], seed: int
) -> Iterator[ExplanationMethod]:
    """Yield all methods, then all baselines; random maps have the shape (h, w) of the CAM."""
    head = head_of(classifier)
    formulas = {SERVED: served_cam, "Grad-CAM++": grad_cam_plus_plus, "HiResCAM": hires_cam, "LayerCAM": layer_cam}
    if has_tail(classifier):
        formulas[f"Grad-CAM at {features_layer(classifier)}"] = grad_cam
    for name, formula in formulas.items():
        yield ExplanationMethod(name, partial(_closed_form, formula, head))
    gradients = IntegratedGradients(classifier)
    yield ExplanationMethod("Score-CAM", _score_cam, expensive=True)
    yield ExplanationMethod("Integrated Gradients", lambda one: gradients(one.images, one.predicted), expensive=True)
    yield ExplanationMethod("occlusion", _occlusion, expensive=True)
    yield ExplanationMethod(RANDOM, lambda one: random_maps(len(one.images), cam_shape, seed=seed))
    yield ExplanationMethod("random pixels", lambda one: random_maps(len(one.images), one.images.shape[1:3], seed=seed))
    yield ExplanationMethod(CENTER, lambda one: center_blobs(one.images))
    yield ExplanationMethod("brightness", lambda one: brightness(one.images))
    yield ExplanationMethod("edges", lambda one: edges(one.images))


def _closed_form(formula: Formula, head: Head, subject: Subject) -> Floats:
    return formula(subject.engine.features(subject.images), head, classes=subject.predicted)


def _score_cam(subject: Subject) -> Floats:
    return score_cam(subject.classify, subject.images, subject.engine.features(subject.images), subject.predicted)


def _occlusion(subject: Subject) -> Floats:
    return occlusion(subject.classify, subject.images, subject.predicted)

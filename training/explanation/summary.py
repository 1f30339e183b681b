"""What a manifest keeps of a model's explanations: three figures, cheap enough to take at every export."""

from typing import NamedTuple

import numpy as np

from model.artifact import Artifact
from model.explanation.faithfulness import faithfulness
from training.data.fashion_mnist import Examples
from training.evaluation.intervals import interval
from training.explanation.explainers import load_classifier, load_subject, random_maps
from training.explanation.sanity import cascade

IMAGES = 1000
SANITY_IMAGES = 100


class CamFigures(NamedTuple):
    """Of the CAM that serving returns, for predicted classes.

    `faithfulness` is the mean of insertion − deletion; `margin_low` the lower end of the 95 % interval of what it has
    over random maps of the same grid on the same images: above 0 the CAM beats chance; `sanity` the rank correlation
    with the CAM of the network with all weights shuffled: well below 1 the CAM depends on what was learned.
    """

    faithfulness: float
    margin_low: float
    sanity: float


def judge_cam(artifact: Artifact, examples: Examples, *, seed: int = 0) -> CamFigures:
    """Judge the artifact's CAM on a sample of the examples, 1,000 at most, the same one for one seed."""
    sample = examples.take(np.random.default_rng(seed).permutation(len(examples))[:IMAGES])
    subject = load_subject(artifact, sample)
    cams = subject.engine.infer(subject.images).cam
    chance = random_maps(len(cams), cams.shape[1:], seed=seed)
    own, by_chance = (
        faithfulness(subject.classify, subject.images, maps, subject.classes, seed=seed).score
        for maps in (cams, chance)
    )
    low, _ = interval(lambda drawn: (own - by_chance)[drawn].mean(), len(own), seed=seed)
    few = subject.first(SANITY_IMAGES)
    (end,) = cascade(load_classifier(artifact), few.images, few.classes, seed=seed, at_once=True)
    return CamFigures(round(float(own.mean()), 4), round(float(low), 4), round(end.similarity, 4))

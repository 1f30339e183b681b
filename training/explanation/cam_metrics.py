"""The metrics of a model's CAM that its manifest keeps; they are cheap enough for every export."""

from typing import NamedTuple

from model.artifact import Artifact
from model.explanation.faithfulness import faithfulness
from training.data.examples import Examples
from training.evaluation.intervals import mean_interval
from training.explanation.baselines import random_maps
from training.explanation.sanity import randomize_cascading
from training.explanation.subject import load_classifier, load_subject

MAX_IMAGES = 1000
MAX_SANITY_IMAGES = 100


class CamMetrics(NamedTuple):
    """Metrics of the served CAM of the predicted class.

    `faithfulness` is the mean of insertion − deletion. `margin_low` is the lower end of the 95 % interval of the paired
    difference to random maps of the same grid; above 0 the CAM is better than chance. `sanity` is the rank correlation
    with the CAMs after all weights are shuffled; well below 1 the CAM depends on the weights.
    """

    faithfulness: float
    margin_low: float
    sanity: float


def cam_metrics(artifact: Artifact, examples: Examples, *, seed: int = 0) -> CamMetrics:
    """Evaluate the artifact's CAM on at most `MAX_IMAGES` of the examples, the same ones for the same seed."""
    subject = load_subject(artifact, examples.sample(MAX_IMAGES, seed=seed))
    cams = subject.engine.infer(subject.images).cam
    random = random_maps(len(cams), cams.shape[1:], seed=seed)
    cam_score, random_score = (
        faithfulness(subject.classify, subject.images, maps, subject.predicted, seed=seed).score
        for maps in (cams, random)
    )
    margin_low, _ = mean_interval(cam_score - random_score, seed=seed)
    few = subject.first(MAX_SANITY_IMAGES)
    *_, last = randomize_cascading(load_classifier(artifact), few.images, few.predicted, seed=seed, only_last=True)
    return CamMetrics(
        faithfulness=round(float(cam_score.mean()), 4),
        margin_low=round(margin_low, 4),
        sanity=round(last.rank_correlation, 4),
    )

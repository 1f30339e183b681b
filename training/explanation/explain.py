"""Evaluate the explanations of a model: `python -m training explain ARTIFACT --out FOLDER`.

The protocol is the same for every model and method. The score is insertion − deletion of the predicted class'
temperature-scaled probability in eight steps, with hidden pixels in the image's mean color; reported are its mean over
the images and the 95 % bootstrap interval. A method is better than chance if the interval of its paired difference to
random maps lies above 0. Baselines that do not depend on the model are evaluated in the same way.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from model.artifact import Artifact, ArtifactError
from model.engines.interface import EngineUnavailable
from model.explanation.faithfulness import Faithfulness, faithfulness
from training.data.dataset import Dataset, describe
from training.data.examples import DatasetError
from training.evaluation.arguments import add_evaluation_arguments, at_least, read_evaluation_arguments
from training.evaluation.intervals import mean_interval
from training.explanation.findings import CENTER, RANDOM, Difference, ExplanationFindings, MethodFigures, Road, Sanity
from training.explanation.methods import ExplanationMethod, explanation_methods
from training.explanation.overlays import write_overlays
from training.explanation.road import FRACTIONS, road_accuracy
from training.explanation.sanity import randomize_cascading, rank_correlation
from training.explanation.subject import Subject, load_classifier, load_subject
from training.findings import EXPLANATIONS, Model, save

Floats = NDArray[np.floating]

MAX_OVERLAY_ROWS = 8


class SampleSizes(NamedTuple):
    """How many images are used for the expensive methods, for ROAD and for weight randomization."""

    expensive: int
    road: int
    sanity: int


def explain(
    artifact: Artifact, dataset: Dataset, *, split: str, sizes: SampleSizes, out: Path, command: str, seed: int = 0
) -> Path:
    """Evaluate every method; save `explanations.json` and a sheet of overlays in the folder `out`.

    Args:
        artifact: the model version.
        dataset: the images, at least 2.
        split: their split, for the findings.
        sizes: sample sizes, each at least 2.
        out: folder to write to.
        command: the command line, for the findings.
        seed: decides random maps, noise and resamples.

    Returns:
        The path of `explanations.json`.
    """
    subject, classifier = load_subject(artifact, dataset.examples), load_classifier(artifact)
    cam_shape = (artifact.manifest.cam.height, artifact.manifest.cam.width)
    methods = list(explanation_methods(classifier, cam_shape=cam_shape, seed=seed))
    road = Road(
        images=min(sizes.road, len(subject.images)),
        fractions=list(FRACTIONS),
        most_relevant_first={},
        least_relevant_first={},
    )
    scores: dict[str, Faithfulness] = {}
    ms_per_image: dict[str, float] = {}
    overlays: dict[str, Floats] = {}
    for method in track(methods, "explaining"):
        images = subject.first(sizes.expensive) if method.expensive else subject
        maps, ms_per_image[method.name] = timed_maps(method, images)
        scores[method.name] = faithfulness(images.classify, images.images, maps, images.predicted, seed=seed)
        overlays[method.name] = maps[:MAX_OVERLAY_ROWS]
        _add_road(road, method.name, images.first(sizes.road), maps[: sizes.road], seed=seed)
    findings = ExplanationFindings(
        command=command,
        model=Model(name=artifact.manifest.name, version=artifact.manifest.version),
        data=describe(dataset, split),
        methods={
            name: method_figures(score, ms_per_image[name], random=scores[RANDOM], center=scores[CENTER])
            for name, score in scores.items()
        },
        road=road,
        sanity=sanity(classifier, subject.first(sizes.sanity), seed=seed),
        overlays=list(overlays),
    )
    written = save(out, EXPLANATIONS, findings)
    write_overlays(written.with_suffix(".png"), subject.images, overlays)
    return written


def timed_maps(method: ExplanationMethod, subject: Subject) -> tuple[Floats, float]:
    """Return (the method's maps `[N, h, w]`, milliseconds per map)."""
    started_s = time.perf_counter()
    maps = method.maps(subject)
    return maps, 1000 * (time.perf_counter() - started_s) / len(maps)


def method_figures(
    measured: Faithfulness, ms_per_image: float, *, random: Faithfulness, center: Faithfulness
) -> MethodFigures:
    """Return a method's means, the interval of its score, and its paired differences to two baselines."""
    score = paired_difference(measured.score, np.zeros_like(measured.score))
    return MethodFigures(
        insertion=_rounded(measured.insertion.mean()),
        deletion=_rounded(measured.deletion.mean()),
        score=score["mean"],
        low=score["low"],
        high=score["high"],
        images=len(measured.score),
        ms_per_image=round(ms_per_image, 3),
        over_random=paired_difference(measured.score, random.score),
        over_center=paired_difference(measured.score, center.score),
    )


def paired_difference(scores: Floats, others: Floats) -> Difference:
    """Return the mean of `scores` − `others` with its 95 % interval, over the first images, which both have."""
    shared = min(len(scores), len(others))
    differences = scores[:shared] - others[:shared]
    low, high = mean_interval(differences)
    return Difference(mean=_rounded(differences.mean()), low=_rounded(low), high=_rounded(high))


def _add_road(road: Road, name: str, subject: Subject, maps: Floats, *, seed: int) -> None:
    for order, accuracies in ((False, road["most_relevant_first"]), (True, road["least_relevant_first"])):
        accuracies[name] = road_accuracy(
            subject.classify, subject.images, maps, subject.labels, least_relevant_first=order, seed=seed
        )


def sanity(classifier: keras.Model, subject: Subject, *, seed: int) -> Sanity:
    """Randomize the classifier's weights layer by layer, which spoils it, and compare the CAMs with the first ones."""
    cams = subject.engine.infer(subject.images).cam
    steps = list(randomize_cascading(classifier, subject.images, subject.predicted, seed=seed))
    return Sanity(
        images=len(cams),
        layers=[step.layer for step in steps],
        rank_correlation=[_rounded(step.rank_correlation) for step in steps],
        same_maximum=[_rounded(step.same_maximum) for step in steps],
        other_images=_rounded(rank_correlation(cams, np.roll(cams, 1, axis=0)).mean()),
    )


def methods_table(methods: dict[str, MethodFigures]) -> str:
    """Return the methods as a Markdown table, the most faithful one first."""
    rows = [
        f"| {name} | {one['insertion']:.3f} | {one['deletion']:.3f} | {one['score']:+.3f} | {one['low']:+.3f} … "
        f"{one['high']:+.3f} | {one['over_random']['low']:+.3f} | {one['images']} | {one['ms_per_image']:.2f} |"
        for name, one in sorted(methods.items(), key=lambda item: -item[1]["score"])
    ]
    head = "| method | insertion | deletion | score | 95 % interval | above random, at least | images | ms per image |"
    return "\n".join([head, "| --- " * 8 + "|", *rows])


def _rounded(figure: Floats | np.floating | float) -> float:
    return round(float(figure), 4)


def main(argv: list[str] | None = None) -> None:
    """Run `python -m training explain` with these arguments."""
    args = _parser().parse_args(argv)
    try:
        artifact, dataset = read_evaluation_arguments(args)
        sizes = SampleSizes(args.expensive_images, args.road_images, args.sanity_images)
        command = (
            f"python -m training explain artifacts/{artifact.manifest.name}/{artifact.manifest.version}"
            f" --split {args.split} --images {args.images} --expensive-images {args.expensive_images}"
        )
        sample = replace(dataset, examples=dataset.examples.sample(args.images, seed=0))
        written = explain(artifact, sample, split=args.split, sizes=sizes, out=args.out, command=command)
    except (ArtifactError, DatasetError, EngineUnavailable, OSError) as error:
        sys.exit(str(error))
    methods = json.loads(written.read_text("utf-8"))["methods"]
    sys.stdout.write(f"{methods_table(methods)}\n\n{written}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training explain", description="Evaluate explanations.")
    add_evaluation_arguments(parser)
    sizes = {
        "--images": (1000, "images, chosen by the seed"),
        "--expensive-images": (1000, "images for methods of hundreds of classifications each"),
        "--road-images": (200, "images for ROAD"),
        "--sanity-images": (200, "images for weight randomization"),
    }
    for option, (default, text) in sizes.items():
        parser.add_argument(option, type=at_least(2), default=default, help=f"{text} (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for explanations.json and its picture")
    return parser

"""Measure how faithful a model's explanations are: `python -m training.explanation.explain ARTIFACT`.

Fixed for every model and method: the predicted class' temperature-scaled probability, with 0, 1/8 … 8/8 of the pixels
changed in the order of the map enlarged bilinearly, hidden pixels in the image's own mean color; the score is the area
under insertion less that under deletion, its mean over the images with a 95 % bootstrap interval. A method beats chance
where the lower end of the interval of its paired difference to random maps lies above 0. Orders that know nothing of
the network are measured beside the methods: random maps and pixels, a Gaussian in the center, brightness, edges.
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
from training.data.dataset import Dataset
from training.data.fashion_mnist import DatasetError
from training.data.options import add_measured, read_asked
from training.data.split import describe
from training.evaluation.intervals import interval
from training.explanation.explainers import Explainer, Subject, explainers, load_classifier, load_subject
from training.explanation.findings import CENTER, RANDOM, Difference, ExplanationFindings, Method, Road, Sanity
from training.explanation.overlays import write_overlays
from training.explanation.road import SHARES, road
from training.explanation.sanity import cascade, rank_correlation
from training.findings import EXPLANATIONS, Model, save

Floats = NDArray[np.floating]

EXAMPLES = 8


class Sizes(NamedTuple):
    """How many images each part of the measurement takes of those there are."""

    dear: int
    road: int
    sanity: int


def measure(one: Explainer, subject: Subject, *, seed: int) -> tuple[Floats, Faithfulness, float]:
    """The method's maps, their faithfulness, and what a map cost in milliseconds."""
    started = time.perf_counter()
    maps = one.maps(subject)
    ms = 1000 * (time.perf_counter() - started) / len(maps)
    return maps, faithfulness(subject.classify, subject.images, maps, subject.classes, seed=seed), ms


def figures(judged: Faithfulness, ms: float, *, chance: Faithfulness, center: Faithfulness) -> Method:
    """A method's means, the interval of its score, and what the score has over random maps and a blob in the center."""
    mean = difference(judged.score, np.zeros_like(judged.score))
    return Method(
        insertion=_round(judged.insertion.mean()),
        deletion=_round(judged.deletion.mean()),
        score=mean["mean"],
        low=mean["low"],
        high=mean["high"],
        images=len(judged.score),
        ms=round(ms, 3),
        over_random=difference(judged.score, chance.score),
        over_center=difference(judged.score, center.score),
    )


def difference(scores: Floats, others: Floats) -> Difference:
    """Of two methods' scores, the images paired as far as both have them."""
    both = min(len(scores), len(others))
    gained = scores[:both] - others[:both]
    low, high = interval(lambda drawn: float(gained[drawn].mean()), both)
    return Difference(mean=_round(gained.mean()), low=_round(low), high=_round(high))


def explain(
    artifact: Artifact, dataset: Dataset, *, split: str, sizes: Sizes, out: Path, command: str, seed: int = 0
) -> Path:
    """Measure every method on the dataset's images and write what was found into the folder."""
    subject, classifier = load_subject(artifact, dataset.examples), load_classifier(artifact)
    cells = (artifact.manifest.cam.height, artifact.manifest.cam.width)
    judged: dict[str, Faithfulness] = {}
    costs: dict[str, float] = {}
    pictures: dict[str, Floats] = {}
    roads = Road(images=len(subject.first(sizes.road).images), shares=list(SHARES), accuracy={}, least_first={})
    for one in track(list(explainers(classifier, cells=cells, seed=seed)), "explaining"):
        of = subject.first(sizes.dear) if one.dear else subject
        maps, judged[one.name], costs[one.name] = measure(one, of, seed=seed)
        pictures[one.name] = maps[:EXAMPLES]
        few = subject.first(min(sizes.road, len(maps)))
        for order, accuracies in ((True, roads["accuracy"]), (False, roads["least_first"])):
            accuracies[one.name] = road(
                few.classify, few.images, maps[: sizes.road], few.labels, most_first=order, seed=seed
            )
    found = ExplanationFindings(
        command=command,
        model=Model(name=artifact.manifest.name, version=artifact.manifest.version),
        data=describe(dataset, split),
        methods={
            name: figures(one, costs[name], chance=judged[RANDOM], center=judged[CENTER])
            for name, one in judged.items()
        },
        road=roads,
        sanity=sanity(classifier, subject.first(sizes.sanity), seed=seed),
        pictured=list(pictures),
    )
    written = save(out, EXPLANATIONS, found)
    write_overlays(written.with_suffix(".png"), subject.images[:EXAMPLES], pictures)
    return written


def sanity(classifier: keras.Model, subject: Subject, *, seed: int) -> Sanity:
    """The whole cascade, which spoils the classifier."""
    cams = subject.engine.infer(subject.images).cam
    steps = list(cascade(classifier, subject.images, subject.classes, seed=seed))
    return Sanity(
        images=len(cams),
        layers=[step.layer for step in steps],
        similarity=[_round(step.similarity) for step in steps],
        same_peak=[_round(step.same_peak) for step in steps],
        chance=_round(rank_correlation(cams, np.roll(cams, 1, axis=0)).mean()),
    )


def table(found: dict[str, Method]) -> str:
    """The methods as Markdown, the most faithful first."""
    rows = [
        f"| {name} | {one['insertion']:.3f} | {one['deletion']:.3f} | {one['score']:+.3f} | {one['low']:+.3f} … "
        f"{one['high']:+.3f} | {one['over_random']['low']:+.3f} | {one['images']} | {one['ms']:.2f} |"
        for name, one in sorted(found.items(), key=lambda item: -item[1]["score"])
    ]
    head = "| method | insertion | deletion | score | 95 % interval | over random, at least | images | ms an image |"
    return "\n".join([head, "| --- " * 8 + "|", *rows])


def _round(figure: Floats | np.floating | float) -> float:
    return round(float(figure), 4)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m training.explanation.explain", description="Measure explanations.")
    add_measured(parser)
    parser.add_argument("--images", type=int, default=1000, help="how many of them, chosen by the seed; default 1000")
    parser.add_argument("--dear-images", type=int, default=1000, help="for the dear methods; default 1000")
    parser.add_argument("--road-images", type=int, default=200, help="for ROAD; default 200")
    parser.add_argument("--sanity-images", type=int, default=200, help="for weight randomization; default 200")
    parser.add_argument("--out", type=Path, required=True, help="folder for explanations.json and its picture")
    args = parser.parse_args(argv)
    try:
        artifact, dataset = read_asked(args)
        sizes = Sizes(args.dear_images, args.road_images, args.sanity_images)
        manifest = artifact.manifest
        command = (
            f"python -m training.explanation.explain artifacts/{manifest.name}/{manifest.version} --split {args.split}"
            f" --images {args.images} --dear-images {args.dear_images}"
        )
        written = explain(
            artifact, _sampled(dataset, args.images), split=args.split, sizes=sizes, out=args.out, command=command
        )
    except (ArtifactError, DatasetError, EngineUnavailable, OSError) as error:
        parser.exit(1, f"{error}\n")
    methods = json.loads(written.read_text("utf-8"))["methods"]
    sys.stdout.write(f"{table(methods)}\n\n{written}\n")


def _sampled(dataset: Dataset, images: int) -> Dataset:
    chosen = np.random.default_rng(0).permutation(len(dataset.examples))[:images]
    return replace(dataset, examples=dataset.examples.take(chosen))


if __name__ == "__main__":
    main()

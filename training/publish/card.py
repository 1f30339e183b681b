"""The model card of an artifact (Mitchell et al., 2019, arXiv:1810.03993)."""

from model.manifest import Manifest
from training.data.dataset import FASHION_MNIST
from training.evaluation.evaluate import report
from training.evaluation.metrics import Evaluation
from training.fit.plan import Plan

CARD = """\
# {name} {version}

{backbone} at {height}×{width} pixels, trained on {data}: {classes} classes.

## Use

{use}
Other pictures get one of the {classes} labels too, and the confidence says little about them. A picture is turned
upright, its transparency laid on black, and stretched to {height}×{width} (bilinear) before it is classified.

## Training

- {stages}
- AdamW with cosine decay from {learning_rate}, batches of {batch_size}, label smoothing {label_smoothing}, seed {seed}
- flips, shifts, zooms, random erasing, mixup and CutMix; the weights are a moving average

At most {held_out} training images per class were held out. The epoch with the best accuracy on them was kept, and
the temperature of each softmax was fitted on them: {temperatures}. The test images decided nothing.

## Figures on the {images} test images

{precisions}

The rest is about fp32: {report}

![confusion matrix](confusion.png)
"""

FASHION_MNIST_DATA = "Fashion-MNIST (Zalando, MIT license)"
FASHION_MNIST_USE = """\
For pictures like those of Fashion-MNIST: one piece of clothing, gray, light on a black background, 28×28 pixels."""
OWN_DATA = "a folder of images"
OWN_USE = "For pictures like those it was trained on: {labels}."


def write_card(manifest: Manifest, plan: Plan, evaluation: Evaluation, *, source: str) -> str:
    """The card's text in Markdown; `source` is the data set as the run named it."""
    known = source == FASHION_MNIST
    return CARD.format(
        name=manifest.name,
        version=manifest.version,
        backbone=plan.backbone,
        data=FASHION_MNIST_DATA if known else OWN_DATA,
        use=FASHION_MNIST_USE if known else OWN_USE.format(labels=", ".join(manifest.labels)),
        height=manifest.input.height,
        width=manifest.input.width,
        classes=len(manifest.labels),
        stages=", ".join(f"{stage.epochs} epochs at {stage.size} pixels" for stage in plan.stages),
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        label_smoothing=plan.label_smoothing,
        seed=plan.seed,
        held_out=plan.validation_per_class,
        temperatures=", ".join(f"{kind} {one.temperature}" for kind, one in manifest.precisions.items()),
        images=evaluation.images,
        precisions=_precisions(manifest),
        report=report(evaluation, manifest.labels),
    )


def _precisions(manifest: Manifest) -> str:
    """A table with a row per precision."""
    metrics = manifest.metrics
    keys = list(dict.fromkeys(key for figures in metrics.values() for key in figures if key != "images"))
    head = [f"| precision | {' | '.join(key.replace('_', ' ') for key in keys)} |", "| --- |" + " --- |" * len(keys)]
    rows = [
        f"| {kind} | {' | '.join(str(figures.get(key, '')) for key in keys)} |" for kind, figures in metrics.items()
    ]
    return "\n".join([*head, *rows])

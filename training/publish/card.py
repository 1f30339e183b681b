"""The model card of an artifact (Mitchell et al., 2019, arXiv:1810.03993)."""

from model.manifest import Manifest
from training.data.dataset import FASHION_MNIST
from training.evaluation.evaluate import metrics_table
from training.evaluation.metrics import ClassificationMetrics
from training.run.plan import Plan

CARD = """\
# {name} {version}

{backbone} at {height}×{width} pixels, trained on {data}: {classes} classes.

## Use

{use}
Other images get one of the {classes} labels too, and their confidence means little. Before classification an image is
turned upright by its EXIF orientation, laid on black where it is transparent, and stretched to {height}×{width}
(bilinear).

## Training

- {stages}
- AdamW with cosine decay from {learning_rate}, batches of {batch_size}, label smoothing {label_smoothing}, seed {seed}
- flips, shifts, zooms, random erasing, mixup and CutMix; the weights are a moving average

At most {held_out} training images per class were held out for validation. They chose the epoch (the one with the best
accuracy), and the softmax temperatures were fitted on them: {temperatures}. No choice was made on the test images.

## Metrics on the {images} test images

{precisions}

For fp32: {metrics}

![confusion matrix](confusion.png)
"""

FASHION_MNIST_DATA = "Fashion-MNIST (Zalando, MIT license)"
FASHION_MNIST_USE = """\
For images like those of Fashion-MNIST: one piece of clothing, gray, light on a black background, 28×28 pixels."""
FOLDER_DATA = "a folder of images"
FOLDER_USE = "For images like those that it was trained on, of the classes {labels}."


def card_text(manifest: Manifest, plan: Plan, metrics: ClassificationMetrics, *, source: str) -> str:
    """Return the card as Markdown; `metrics` are those of fp32, `source` is the data set that the run named."""
    is_fashion_mnist = source == FASHION_MNIST
    return CARD.format(
        name=manifest.name,
        version=manifest.version,
        backbone=plan.backbone,
        data=FASHION_MNIST_DATA if is_fashion_mnist else FOLDER_DATA,
        use=FASHION_MNIST_USE if is_fashion_mnist else FOLDER_USE.format(labels=", ".join(manifest.labels)),
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
        images=metrics.images,
        precisions=_precisions_table(manifest),
        metrics=metrics_table(metrics, manifest.labels),
    )


def _precisions_table(manifest: Manifest) -> str:
    """Return a Markdown table of the manifest's metrics with one row per precision."""
    metrics = manifest.metrics
    keys = list(dict.fromkeys(key for figures in metrics.values() for key in figures if key != "images"))
    head = [f"| precision | {' | '.join(key.replace('_', ' ') for key in keys)} |", "| --- |" + " --- |" * len(keys)]
    rows = [
        f"| {kind} | {' | '.join(str(figures.get(key, '')) for key in keys)} |" for kind, figures in metrics.items()
    ]
    return "\n".join([*head, *rows])

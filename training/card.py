"""The model card of an artefact (Mitchell et al., 2019, arXiv:1810.03993)."""

from model.manifest import Manifest
from training.evaluate import report
from training.metrics import Evaluation
from training.plan import Plan

CARD = """\
# {name} {version}

MobileNetV2 1.0 at {height}×{width} pixels, fine-tuned from ImageNet weights on Fashion-MNIST
(Zalando, MIT licence): {classes} kinds of clothing.

## Use

For pictures like those of Fashion-MNIST: one piece of clothing, grey, light on a black background, 28×28 pixels.
Other pictures get one of the {classes} labels too, and the confidence says little about them. A picture is turned
upright, its transparency laid on black, and stretched to {height}×{width} (bilinear) before it is classified.

## Training

- {stages}
- AdamW with cosine decay from {learning_rate}, batches of {batch_size}, label smoothing {label_smoothing}, seed {seed}
- flips, small shifts and zooms, random erasing, mixup and CutMix; the weights are a moving average

{held_out} training images per class were held out. The epoch with the best accuracy on them was kept, and the
temperature {temperature} of the softmax was fitted on them. The test images decided nothing.

## Figures on the {images} test images

{report}

![confusion matrix](confusion.png)
"""


def write_card(manifest: Manifest, plan: Plan, evaluation: Evaluation) -> str:
    """The card's text in Markdown."""
    stages = ", ".join(f"{stage.epochs} epochs at {stage.size} pixels" for stage in plan.stages)
    return CARD.format(
        name=manifest.name,
        version=manifest.version,
        height=manifest.input.height,
        width=manifest.input.width,
        classes=len(manifest.labels),
        stages=stages,
        batch_size=plan.batch_size,
        learning_rate=plan.learning_rate,
        label_smoothing=plan.label_smoothing,
        seed=plan.seed,
        held_out=plan.validation_per_class,
        temperature=manifest.precisions["fp32"].temperature,
        images=evaluation.images,
        report=report(evaluation, manifest.labels),
    )

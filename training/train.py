"""Train the Fashion-MNIST classifier: `python -m training.train --weights FILE --out FOLDER`."""

import argparse
import shutil
import sys
from pathlib import Path

import keras

from model.network import build_classifier
from training.data import LABELS, DatasetError, Examples, read_fashion_mnist, split_validation
from training.feed import training_batches, validation_batches
from training.plan import DEFAULT_RUN, FINAL, Plan, Stage, parse_stages, write_plan
from training.progress import HISTORY, ProgressLine, best_epoch, finished_epochs

CHECKPOINT = "epoch-{epoch:02d}.keras"


def train(examples: Examples, *, plan: Plan, out: Path, weights: Path | str | None, resume: bool) -> Path:
    """Run the plan over the training images and return the path of the trained model, `out/classifier.keras`.

    Every epoch leaves a checkpoint in `out/checkpoints`; with `resume` the run goes on after the last one.
    The model kept is the epoch of the last stage with the best validation accuracy.
    """
    keras.utils.set_random_seed(plan.seed)
    training, validation = split_validation(examples, plan.validation_per_class, seed=plan.seed)
    out.mkdir(parents=True, exist_ok=True)
    done = finished_epochs(out) if resume else _start_over(out)
    if done:
        model = keras.saving.load_model(checkpoint(out, done))
    else:
        model = build_classifier(len(LABELS), dropout=plan.dropout, weights=weights)
        _compile(model, plan, len(training))
    write_plan(plan, out)
    for stage, first, last in plan.spans():
        if done < last:
            _run_stage(model, stage, training, validation, plan=plan, out=out, first=max(done, first), last=last)
    shutil.copyfile(checkpoint(out, best_epoch(out, size=plan.stages[-1].size)), out / FINAL)
    return out / FINAL


def checkpoint(out: Path, epoch: int) -> Path:
    """Where the model after this epoch (counted from 1) is kept."""
    return out / "checkpoints" / CHECKPOINT.format(epoch=epoch)


def _run_stage(
    model: keras.Model,
    stage: Stage,
    training: Examples,
    validation: Examples,
    *,
    plan: Plan,
    out: Path,
    first: int,
    last: int,
) -> None:
    steps = len(training) // plan.batch_size
    model.fit(
        training_batches(training, size=stage.size, plan=plan, first_epoch=first),
        validation_data=validation_batches(validation, size=stage.size),
        steps_per_epoch=steps,
        initial_epoch=first,
        epochs=last,
        verbose=0,
        shuffle=False,
        callbacks=[
            keras.callbacks.ModelCheckpoint(str(out / "checkpoints" / CHECKPOINT)),
            ProgressLine(out / HISTORY, size=stage.size, total=plan.epochs, images=steps * plan.batch_size),
            keras.callbacks.EarlyStopping("val_accuracy", patience=plan.patience_epochs),
        ],
    )


def _compile(model: keras.Model, plan: Plan, examples: int) -> None:
    steps = plan.steps(examples)
    warmup = int(plan.warmup_share * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 10, steps - warmup, warmup_target=plan.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=plan.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # XLA makes this network's depthwise convolutions seven times slower on a CPU.
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)


def _start_over(out: Path) -> int:
    (out / HISTORY).unlink(missing_ok=True)
    (out / "checkpoints").mkdir(exist_ok=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with the four IDX files, plain or .gz")
    parser.add_argument("--weights", default="imagenet", help=".weights.h5 file; default: Keras' own download")
    parser.add_argument("--out", type=Path, default=DEFAULT_RUN, help="folder of this run")
    parser.add_argument("--stages", type=parse_stages, default=Plan.stages, help="as 32x3,64x4,96x3")
    parser.add_argument("--batch-size", type=int, default=Plan.batch_size)
    parser.add_argument("--learning-rate", type=float, default=Plan.learning_rate)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--resume", action="store_true", help="go on after the last checkpoint in --out")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = _parser()
    args = parser.parse_args(argv)
    plan = Plan(stages=args.stages, batch_size=args.batch_size, learning_rate=args.learning_rate, seed=args.seed)
    try:
        examples = read_fashion_mnist("train", data_dir=args.data_dir)
    except DatasetError as error:
        parser.exit(1, f"{error}\n")
    model = train(examples, plan=plan, out=args.out, weights=args.weights, resume=args.resume)
    sys.stdout.write(f"trained model: {model}\n")


if __name__ == "__main__":
    main()

"""Train the Fashion-MNIST classifier: `python -m training.train --weights FILE --out FOLDER`."""

import argparse
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras

from model.network import build_classifier
from training import checkpoint
from training.average import MovingAverage
from training.data import LABELS, DatasetError, Examples, read_fashion_mnist, split_validation
from training.feed import Feed, validation_batches
from training.freeze import train_only
from training.fused import fused
from training.plan import DEFAULT_RUN, FINAL, Plan, Stage, parse_stages, read_plan, write_plan
from training.progress import HISTORY, best_epoch, finished_epochs, record, stands_still


def train(examples: Examples, *, plan: Plan, out: Path, weights: Path | str | None, resume: bool) -> Path:
    """Run the plan over the training images and return the path of the trained model, `out/classifier.keras`.

    Every epoch leaves a checkpoint in `out/checkpoints`; with `resume` the run goes on after the last one, to the
    same result as if it had never stopped. What is kept are the averaged weights after the epoch of the last image
    size with the best validation accuracy.
    """
    keras.utils.set_random_seed(plan.seed)
    training, validation = split_validation(examples, plan.validation_per_class, seed=plan.seed)
    out.mkdir(parents=True, exist_ok=True)
    done = finished_epochs(out) if resume else _start_over(out)
    averaged = build_classifier(len(LABELS), dropout=plan.dropout, weights=None if done else weights)
    model = fused(averaged)
    for one in (averaged, model):
        _compile(one, plan, len(training))
    if done:
        checkpoint.load(out, done, model=model, averaged=averaged)
    else:
        model.optimizer.build(model.trainable_variables)
    write_plan(plan, out)
    for stage, first, last in plan.spans():
        if done < last:
            _run_stage(
                model, averaged, stage, training, validation, plan=plan, out=out, first=max(done, first), last=last
            )
    averaged.load_weights(checkpoint.averaged_file(out, best_epoch(out, size=plan.stages[-1].size)))
    return _keep(averaged, out / FINAL)


def _run_stage(
    model: keras.Model,
    averaged: keras.Model,
    stage: Stage,
    training: Examples,
    validation: Examples,
    *,
    plan: Plan,
    out: Path,
    first: int,
    last: int,
) -> None:
    feed = Feed(training, size=stage.size, classes=len(LABELS), plan=plan)
    held_out = validation_batches(validation, size=stage.size, classes=len(LABELS))
    train_only(model, stage.part)
    model.make_train_function(force=True)
    follow = MovingAverage(averaged, memory_steps=plan.average_steps)
    for epoch in range(first, last):
        _reseed(model, plan.seed * 1000 + epoch)
        began_s = time.monotonic()
        learnt = model.fit(
            feed.epoch(epoch), initial_epoch=epoch, epochs=epoch + 1, verbose=0, shuffle=False, callbacks=[follow]
        )
        speed = feed.steps * plan.batch_size / (time.monotonic() - began_s)
        judged = averaged.evaluate(held_out, verbose=0, return_dict=True)
        checkpoint.save(out, epoch + 1, model=model, averaged=averaged)
        figures = {name: values[0] for name, values in learnt.history.items()} | {"images_per_s": speed}
        figures |= {f"val_{name}": value for name, value in judged.items()}
        record(out, epoch + 1, size=stage.size, total=plan.epochs, figures=figures)
        checkpoint.forget_before(out, epoch + 1)
        if stands_still(out, size=stage.size, patience_epochs=plan.patience_epochs):
            return


def _compile(model: keras.Model, plan: Plan, examples: int) -> None:
    steps = plan.steps(examples)
    warmup = int(plan.warmup_share * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 10, steps - warmup, warmup_target=plan.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=plan.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=plan.label_smoothing)
    # XLA makes this network's depthwise convolutions seven times slower on a CPU.
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)


def _reseed(model: keras.Model, seed: int) -> None:
    """Dropout draws the same in this epoch whether or not the run was stopped before it."""
    model.get_layer("dropout").seed_generator.state.assign([seed, 0])


def _keep(averaged: keras.Model, target: Path) -> Path:
    part = target.with_name(f"part-{target.name}")
    averaged.save(part, include_optimizer=False)
    return part.replace(target)


def _start_over(out: Path) -> int:
    (out / HISTORY).unlink(missing_ok=True)
    shutil.rmtree(out / checkpoint.FOLDER, ignore_errors=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__)
    parser.add_argument("--data-dir", type=Path, help="folder with the four IDX files, plain or .gz")
    parser.add_argument("--weights", default="imagenet", help=".weights.h5 file; default: Keras' own download")
    parser.add_argument("--out", type=Path, default=DEFAULT_RUN, help="folder of this run")
    parser.add_argument("--stages", type=parse_stages, help="as 32x3,64x4,96x3:late")
    parser.add_argument("--batch-size", type=int, help="images a step")
    parser.add_argument("--learning-rate", type=float, help="at the end of the warm-up")
    parser.add_argument("--seed", type=int, help="decides the held-out images, the order and the augmentation")
    parser.add_argument("--resume", action="store_true", help="go on after the last epoch in --out, by its plan")
    return parser


def _plan(args: argparse.Namespace) -> Plan:
    """The plan of the run to resume, else the default; what is given on the command line wins."""
    plan = read_plan(args.out) if args.resume and finished_epochs(args.out) else Plan()
    given = {name: getattr(args, name) for name in ("stages", "batch_size", "learning_rate", "seed")}
    return replace(plan, **{name: value for name, value in given.items() if value is not None})


def main(argv: list[str] | None = None) -> None:
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        examples = read_fashion_mnist("train", data_dir=args.data_dir)
    except DatasetError as error:
        parser.exit(1, f"{error}\n")
    model = train(examples, plan=_plan(args), out=args.out, weights=args.weights, resume=args.resume)
    sys.stdout.write(f"trained model: {model}\n")


if __name__ == "__main__":
    main()

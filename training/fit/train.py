"""Train a classifier: `python -m training.fit.train --weights FILE --out FOLDER`."""

import argparse
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras

from model.network import BACKBONES, DROPOUT, LOGITS, WeightsError, build_classifier
from training.data.dataset import FASHION_MNIST, Dataset, digest, read_dataset
from training.data.fashion_mnist import DatasetError, split_validation
from training.files import whole
from training.fit import checkpoint, scalars
from training.fit.average import MovingAverage
from training.fit.feed import Feed, validation_batches
from training.fit.freeze import train_only
from training.fit.fused import fused
from training.fit.locality import EVIDENCE, disagreement, grid, with_evidence
from training.fit.origin import Origin, check_origin, write_origin
from training.fit.plan import DEFAULT_RUN, FINAL, Plan, Stage, parse_stages, read_plan, write_plan
from training.fit.progress import HISTORY, best_epoch, finished_epochs, record, stands_still

OPTIMIZER = "optimizer"  # its variables are found again by their paths
# TensorFlow's XLA makes MobileNet's depthwise convolutions seven times slower on a CPU; without it JAX goes op by op.
COMPILED = False if keras.backend.backend() == "tensorflow" else "auto"


def train(dataset: Dataset, *, plan: Plan, out: Path, weights: Path | str | None, resume: bool) -> Path:
    """Run the plan over the training images and return the path of the trained model, `out/classifier.keras`.

    Every epoch leaves a checkpoint in `out/checkpoints`; with `resume` the run goes on after the last one, to the
    same result as if it had never stopped. What is kept are the averaged weights after the epoch of the last
    stage with the best validation accuracy. Raises DatasetError when the run was begun with other data, WeightsError.
    """
    keras.utils.set_random_seed(plan.seed)
    origin = Origin(dataset.source, dataset.labels, digest(dataset.examples))
    done = finished_epochs(out) if resume else 0
    if done:
        check_origin(origin, out)
    run = Run(dataset, plan=plan, out=out, weights=None if done else weights)
    if done:
        run.enter(read_plan(out).stage_of(done))
        checkpoint.load(out, done, model=run.model, averaged=run.averaged)
    else:
        _start_over(out, origin)
    write_plan(plan, out)
    for stage, first, last in plan.spans():
        if done < last:
            run.stage(stage, since=first, first=max(done, first), last=last)
    return run.keep_best()


class Run:
    """The model in training, its average, and where they are kept."""

    def __init__(self, dataset: Dataset, *, plan: Plan, out: Path, weights: Path | str | None) -> None:
        self._plan, self._out, self._classes = plan, out, len(dataset.labels)
        self._training, self._validation = split_validation(dataset.examples, plan.validation_per_class, seed=plan.seed)
        if len(self._training) < plan.batch_size:
            raise DatasetError(
                f"{len(self._training)} training images are no batch of {plan.batch_size}; give a smaller --batch-size"
            )
        self.averaged = build_classifier(self._classes, backbone=plan.backbone, dropout=plan.dropout, weights=weights)
        self.model = fused(self.averaged)
        # Without an optimizer: Keras on JAX would give it a memory to save, although it never learns.
        self.averaged.compile(None, _loss(), metrics=["accuracy"], jit_compile=COMPILED)

    def enter(self, stage: Stage) -> None:
        """Let the stage's part of the network learn, with the optimizer's memory of what was learning before."""
        before = self.model.optimizer.variables if self.model.compiled else []
        train_only(self.model, stage.part)
        _compile(self.model, self._plan, examples=len(self._training))
        self.model.optimizer.build(self.model.trainable_variables)
        memory = {variable.path: variable for variable in before}
        for variable in self.model.optimizer.variables:
            if variable.path in memory:
                variable.assign(memory[variable.path])

    def stage(self, stage: Stage, *, since: int, first: int, last: int) -> None:
        """Train the epochs `first` to `last` (counted from 0, `last` excluded) of the stage that began at `since`."""
        cells = grid(self.model, size=stage.size) if stage.local else None
        feed = Feed(self._training, size=stage.size, classes=self._classes, plan=self._plan, cells=cells)
        held_out = validation_batches(self._validation, size=stage.size, classes=self._classes)
        self.enter(stage)
        learner = self._with_evidence() if stage.local else self.model
        for epoch in range(first, last):
            if stands_still(self._out, since=since, patience_epochs=self._plan.patience_epochs):
                return
            figures = self._epoch(learner, feed, epoch)
            judged = self.averaged.evaluate(held_out, verbose=0, return_dict=True)
            figures |= {f"val_{name}": value for name, value in judged.items()}
            checkpoint.save(self._out, epoch + 1, model=self.model, averaged=self.averaged)
            record(self._out, epoch + 1, size=stage.size, total=self._plan.epochs, figures=figures)
            scalars.write_scalars(self._out, epoch + 1, figures)
            checkpoint.forget_before(self._out, epoch + 1)

    def _with_evidence(self) -> keras.Model:
        """The model in training, for a local stage: it learns by the same optimizer."""
        learner = with_evidence(self.model)
        losses = {LOGITS: self.model.loss, EVIDENCE: disagreement}
        weights = {LOGITS: 1.0, EVIDENCE: self._plan.locality}
        learner.compile(
            self.model.optimizer, losses, loss_weights=weights, metrics={LOGITS: ["accuracy"]}, jit_compile=COMPILED
        )
        return learner

    def _epoch(self, learner: keras.Model, feed: Feed, epoch: int) -> dict[str, float]:
        # Dropout draws the same in this epoch whether or not the run was stopped before it.
        self.model.get_layer(DROPOUT).seed_generator.state.assign([self._plan.seed * 1000 + epoch, 0])
        follow = MovingAverage(self.averaged, memory_steps=self._plan.average_steps)
        began_s = time.monotonic()
        learned = learner.fit(
            feed.epoch(epoch), initial_epoch=epoch, epochs=epoch + 1, verbose=0, shuffle=False, callbacks=[follow]
        )
        speed = feed.steps * self._plan.batch_size / (time.monotonic() - began_s)
        figures = {name.removeprefix(f"{LOGITS}_"): values[0] for name, values in learned.history.items()}
        return figures | {"images_per_s": speed}

    def keep_best(self) -> Path:
        """Write the averaged weights of the last stage's best epoch as a model."""
        *_, (_, last_begins, _) = self._plan.spans()
        best = best_epoch(self._out, since=last_begins)
        self.averaged.load_weights(checkpoint.averaged_file(self._out, best))
        with whole(self._out / FINAL) as part:
            self.averaged.save(part, include_optimizer=False)
        return self._out / FINAL


def _compile(model: keras.Model, plan: Plan, *, examples: int) -> None:
    steps = plan.steps(examples)
    warmup = int(plan.warmup_share * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 10, steps - warmup, warmup_target=plan.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=plan.weight_decay, name=OPTIMIZER)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, _loss(), metrics=["accuracy"], jit_compile=COMPILED)


def _loss() -> keras.losses.Loss:
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def _start_over(out: Path, origin: Origin) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for leftover in (HISTORY, FINAL):
        (out / leftover).unlink(missing_ok=True)
    for folder in (checkpoint.FOLDER, scalars.FOLDER):
        shutil.rmtree(out / folder, ignore_errors=True)
    write_origin(origin, out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.fit.train", description="Train a classifier.")
    parser.add_argument("--data", default=FASHION_MNIST, help="fashion-mnist, or folder:PATH with a folder per class")
    parser.add_argument("--data-dir", type=Path, help="for fashion-mnist: folder with the four IDX files")
    parser.add_argument("--weights", default="imagenet", help=".weights.h5 file; default: Keras' own download")
    parser.add_argument("--out", type=Path, default=DEFAULT_RUN, help="folder of this run")
    parser.add_argument("--resume", action="store_true", help="go on after the last epoch in --out, by its plan")
    parser.add_argument("--restart", action="store_true", help="forget an unfinished run in --out")
    parser.add_argument("--backbone", choices=BACKBONES, help=f"default: {Plan.backbone}")
    parser.add_argument("--stages", type=parse_stages, help="as 32x3,64x4,96x3:late")
    parser.add_argument("--batch-size", type=int, help="images a step")
    parser.add_argument("--learning-rate", type=float, help="at the end of the warm-up")
    parser.add_argument("--patience-epochs", type=int, help="a stage ends after so many epochs without progress")
    parser.add_argument("--seed", type=int, help="decides the held-out images, the order and the augmentation")
    return parser


def _plan(args: argparse.Namespace) -> Plan:
    """The plan of the run to resume, else the default; what is given on the command line wins."""
    plan = read_plan(args.out) if args.resume and finished_epochs(args.out) else Plan()
    names = ("backbone", "stages", "batch_size", "learning_rate", "patience_epochs", "seed")
    return replace(plan, **{name: getattr(args, name) for name in names if getattr(args, name) is not None})


def main(argv: list[str] | None = None) -> None:
    parser = _parser()
    args = parser.parse_args(argv)
    done = finished_epochs(args.out)
    if done and not (args.out / FINAL).exists() and not (args.resume or args.restart):
        parser.exit(1, f"{args.out} holds an unfinished run of {done} epochs; give --resume or --restart\n")
    plan = _plan(args)
    try:
        dataset = read_dataset(args.data, "train", size=plan.largest, seed=plan.seed, data_dir=args.data_dir)
        sys.stderr.writelines(f"skipped {reason}\n" for reason in dataset.skipped)
        model = train(dataset, plan=plan, out=args.out, weights=args.weights, resume=args.resume)
    except (DatasetError, WeightsError) as error:
        parser.exit(1, f"{error}\n")
    except OSError as error:
        parser.exit(1, f"{error}; {finished_epochs(args.out)} epochs are safe, and --resume goes on from there\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\nstopped after {finished_epochs(args.out)} epochs; --resume goes on from there\n")
    sys.stdout.write(f"trained model: {model}\n")


if __name__ == "__main__":
    main()

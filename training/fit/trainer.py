"""Train a classifier by a plan, with a checkpoint after every epoch."""

import shutil
import time
from pathlib import Path

import keras

from model.network import DROPOUT, LOGITS, build_classifier
from training.data.dataset import Dataset
from training.data.examples import DatasetError, split_validation
from training.files import atomic_write
from training.fit import checkpoint, tensorboard
from training.fit.consistency import CELL_LOGITS, consistency_loss, grid_cells, with_cell_logits
from training.fit.freeze import freeze_all_but
from training.fit.fused_batch_norm import with_fused_batch_norm
from training.fit.input_pipeline import InputPipeline, validation_batches
from training.fit.moving_average import MovingAverage
from training.run.fingerprint import check_fingerprint, fingerprint, write_fingerprint
from training.run.history import HISTORY, best_epoch, finished_epochs, has_stalled, record_epoch
from training.run.plan import TRAINED_MODEL, Plan, Stage, read_plan, write_plan

OPTIMIZER_NAME = "optimizer"  # part of the paths by which `Trainer.enter_stage` finds the optimizer's variables again
# XLA makes depthwise convolutions seven times slower in TensorFlow on a CPU; JAX without it compiles nothing.
JIT_COMPILE = False if keras.backend.backend() == "tensorflow" else "auto"


def train(dataset: Dataset, *, plan: Plan, run: Path, weights: Path | str | None, resume: bool) -> Path:
    """Train on a data set by a plan.

    Args:
        dataset: the training images, from which validation images are held out.
        plan: all settings.
        run: folder of the run; each epoch adds a checkpoint in `checkpoints`.
        weights: initial weights of the backbone, see `model.network.build_classifier`.
        resume: continue after the run's last finished epoch, to the same result as an uninterrupted run.

    Returns:
        The path of the trained model, `run/classifier.keras`: the averaged weights after the epoch of the last stage
        with the best validation accuracy.

    Raises:
        DatasetError: the run was started with other images, or there are too few of them.
        WeightsError: the weights cannot be had or do not fit the backbone.
    """
    keras.utils.set_random_seed(plan.seed)
    data = fingerprint(dataset)
    done = finished_epochs(run) if resume else 0
    if done:
        check_fingerprint(data, run)
    trainer = Trainer(dataset, plan=plan, run=run, weights=None if done else weights)
    if done:
        trainer.enter_stage(read_plan(run).stage_of(done))
        checkpoint.load(run, done, model=trainer.model, averaged=trainer.averaged)
    else:
        _clear(run)
        write_fingerprint(data, run)
    write_plan(plan, run)
    for stage, first, last in plan.spans():
        if done < last:
            trainer.train_stage(stage, since=first, first=max(done, first), last=last)
    return trainer.save_best()


class Trainer:
    """The model in training, the moving average of its weights, and the run's folder."""

    def __init__(self, dataset: Dataset, *, plan: Plan, run: Path, weights: Path | str | None) -> None:
        self._plan, self._run, self._classes = plan, run, len(dataset.labels)
        self._training, self._validation = split_validation(dataset.examples, plan.validation_per_class, seed=plan.seed)
        if len(self._training) < plan.batch_size:
            raise DatasetError(
                f"{len(self._training)} training images do not fill a batch of {plan.batch_size}; "
                f"add images, or give --batch-size {len(self._training)} or less"
            )
        self.averaged = build_classifier(self._classes, backbone=plan.backbone, dropout=plan.dropout, weights=weights)
        self.model = with_fused_batch_norm(self.averaged)
        # Without an optimizer, because Keras on JAX would allocate and save one for a model that is never trained.
        self.averaged.compile(None, _loss(), metrics=["accuracy"], jit_compile=JIT_COMPILE)

    def enter_stage(self, stage: Stage) -> None:
        """Freeze the layers that the stage does not train; the optimizer keeps its state for the others."""
        before = self.model.optimizer.variables if self.model.compiled else []
        freeze_all_but(self.model, stage.trainable)
        _compile(self.model, self._plan, examples=len(self._training))
        self.model.optimizer.build(self.model.trainable_variables)
        state = {variable.path: variable for variable in before}
        for variable in self.model.optimizer.variables:
            if variable.path in state:
                variable.assign(state[variable.path])

    def train_stage(self, stage: Stage, *, since: int, first: int, last: int) -> None:
        """Train epochs `first` to `last` − 1, counted from 0, of the stage whose first epoch is `since`.

        The stage ends early when the validation accuracy has stalled.
        """
        cells = grid_cells(self.model, size=stage.size) if stage.consistency else None
        pipeline = InputPipeline(self._training, size=stage.size, classes=self._classes, plan=self._plan, cells=cells)
        validation = validation_batches(self._validation, size=stage.size, classes=self._classes)
        self.enter_stage(stage)
        model = self._with_consistency() if stage.consistency else self.model
        for epoch in range(first, last):
            if has_stalled(self._run, since=since, patience_epochs=self._plan.patience_epochs):
                return
            figures = self._train_epoch(model, pipeline, epoch)
            evaluated = self.averaged.evaluate(validation, verbose=0, return_dict=True)
            figures |= {f"val_{name}": value for name, value in evaluated.items()}
            checkpoint.save(self._run, epoch + 1, model=self.model, averaged=self.averaged)
            record_epoch(self._run, epoch + 1, size=stage.size, total=self._plan.epochs, figures=figures)
            tensorboard.write_scalars(self._run, epoch + 1, figures)
            checkpoint.delete_states_before(self._run, epoch + 1)

    def _with_consistency(self) -> keras.Model:
        """Return the model in training with the consistency loss; it shares layers and optimizer."""
        model = with_cell_logits(self.model)
        losses = {LOGITS: self.model.loss, CELL_LOGITS: consistency_loss}
        weights = {LOGITS: 1.0, CELL_LOGITS: self._plan.consistency_weight}
        model.compile(
            self.model.optimizer, losses, loss_weights=weights, metrics={LOGITS: ["accuracy"]}, jit_compile=JIT_COMPILE
        )
        return model

    def _train_epoch(self, model: keras.Model, pipeline: InputPipeline, epoch: int) -> dict[str, float]:
        # Dropout draws the same numbers in this epoch whether or not the run was interrupted before it.
        self.model.get_layer(DROPOUT).seed_generator.state.assign([self._plan.seed * 1000 + epoch, 0])
        average = MovingAverage(self.averaged, average_steps=self._plan.average_steps)
        started_s = time.monotonic()
        fitted = model.fit(
            pipeline.epoch(epoch), initial_epoch=epoch, epochs=epoch + 1, verbose=0, shuffle=False, callbacks=[average]
        )
        images_per_s = pipeline.steps * self._plan.batch_size / (time.monotonic() - started_s)
        figures = {name.removeprefix(f"{LOGITS}_"): values[0] for name, values in fitted.history.items()}
        return figures | {"images_per_s": images_per_s}

    def save_best(self) -> Path:
        """Save the averaged weights of the last stage's best epoch as `classifier.keras` and return its path."""
        *_, (_, last_stage_start, _) = self._plan.spans()
        best = best_epoch(self._run, since=last_stage_start)
        self.averaged.load_weights(checkpoint.averaged_file(self._run, best))
        with atomic_write(self._run / TRAINED_MODEL) as part:
            self.averaged.save(part, include_optimizer=False)
        return self._run / TRAINED_MODEL


def _compile(model: keras.Model, plan: Plan, *, examples: int) -> None:
    steps = plan.steps(examples)
    warmup = int(plan.warmup_fraction * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 10, steps - warmup, warmup_target=plan.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=plan.weight_decay, name=OPTIMIZER_NAME)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(optimizer, _loss(), metrics=["accuracy"], jit_compile=JIT_COMPILE)


def _loss() -> keras.losses.Loss:
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def _clear(run: Path) -> None:
    """Remove what an earlier run left in the folder."""
    run.mkdir(parents=True, exist_ok=True)
    for leftover in (HISTORY, TRAINED_MODEL):
        (run / leftover).unlink(missing_ok=True)
    for folder in (checkpoint.FOLDER, tensorboard.FOLDER):
        shutil.rmtree(run / folder, ignore_errors=True)

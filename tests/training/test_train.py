"""Training runs: interruption and resumption, files, refusals, frozen layers, moving average."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from model.network import BACKBONE, build_classifier
from tests.model.samples import sample_grays, sample_labels
from training.data.dataset import Dataset
from training.data.examples import DatasetError, Examples
from training.fit import checkpoint, tensorboard
from training.fit.freeze import freeze_all_but
from training.fit.moving_average import MovingAverage
from training.fit.train import main
from training.fit.trainer import train
from training.run.history import finished_epochs, record_epoch
from training.run.plan import Plan, Stage, Trainable, read_plan

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.timeout(300),
]


STAGES = (Stage(32, 2), Stage(40, 1, Trainable.LATE), Stage(40, 1, consistency=True))


@pytest.fixture(scope="module")
def plan(tiny: str) -> Plan:
    return Plan(backbone=tiny, stages=STAGES, batch_size=60, validation_per_class=5, average_steps=20)


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory, samples: Dataset, plan: Plan) -> Path:
    """A run that was never stopped; not to be written to."""
    out = tmp_path_factory.mktemp("whole")
    train(samples, plan=plan, run=out, weights=None, resume=False)
    return out


def train_until(epoch: int, samples: Dataset, plan: Plan, out: Path, *, resume: bool) -> None:
    """Train, and interrupt amidst this epoch, counted from 1."""

    class Interrupted(MovingAverage):
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.now = epoch + 1

        def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if (self.now, batch) == (stop, 2):
                raise KeyboardInterrupt

    stop = epoch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.fit.trainer.MovingAverage", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(samples, plan=plan, run=out, weights=None, resume=resume)


def test_an_interrupted_and_resumed_run_ends_with_the_same_weights(
    finished_run: Path, tmp_path: Path, samples: Dataset, plan: Plan
) -> None:
    for epoch in (2, 4):
        train_until(epoch, samples, plan, tmp_path, resume=True)
        assert finished_epochs(tmp_path) == epoch - 1

    resumed = train(samples, plan=plan, run=tmp_path, weights=None, resume=True)

    models = (keras.saving.load_model(file, compile=False) for file in (finished_run / "classifier.keras", resumed))
    first, second = (model.get_weights() for model in models)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_run_keeps_its_plan_all_averaged_weights_and_the_last_state(finished_run: Path, plan: Plan) -> None:
    files = sorted(file.name for file in (finished_run / checkpoint.FOLDER).iterdir())

    assert files == [f"averaged-00{epoch}.weights.h5" for epoch in (1, 2, 3, 4)] + ["state-004.weights.h5"]
    assert sorted(file.name for file in finished_run.iterdir()) == [
        "checkpoints",
        "classifier.keras",
        "data.json",
        "history.csv",
        "plan.json",
        "tensorboard",
    ]
    assert read_plan(finished_run) == plan


def test_tensorboard_can_read_the_figures_of_every_epoch(finished_run: Path) -> None:
    files = sorted((finished_run / tensorboard.FOLDER).iterdir())

    events = [event for file in files for event in tf.compat.v1.train.summary_iterator(str(file))]
    found = [(event.step, value) for event in events for value in event.summary.value if value.tag == "val_accuracy"]
    assert sorted(step for step, _ in found) == [1, 2, 3, 4]
    assert all(value.metadata.plugin_data.plugin_name == "scalars" for _, value in found)


def test_a_run_is_not_resumed_with_other_images(finished_run: Path, samples: Dataset, plan: Plan) -> None:
    other = replace(samples, examples=Examples(samples.examples.images + np.uint8(1), samples.examples.labels))

    with pytest.raises(DatasetError, match="trained on other images"):
        train(other, plan=plan, run=finished_run, weights=None, resume=True)


def test_an_unfinished_run_is_not_discarded_without_restart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "images_per_s"), 1.0)
    record_epoch(tmp_path, 1, size=32, total=3, figures=figures)

    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path)])

    assert "unfinished run of 1 epochs" in capsys.readouterr().err


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "foreign.weights.h5"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save_weights(foreign)
    pictures = ["--data", f"folder:{write_pictures(tmp_path / 'pictures')}", "--batch-size", "8"]

    with pytest.raises(SystemExit):
        main([*pictures, "--weights", str(foreign), "--out", str(tmp_path / "run")])

    assert "foreign.weights.h5 gives no weights for MobileNetV2" in capsys.readouterr().err


def write_pictures(folder: Path) -> Path:
    """The samples of two classes, a folder each."""
    for number in (0, 1):
        (folder / str(number)).mkdir(parents=True)
        for index, gray in enumerate(sample_grays()[sample_labels() == number]):
            Image.fromarray(gray).save(folder / str(number) / f"{index}.png")
    return folder


def test_late_and_head_freeze_the_earlier_layers() -> None:
    model = build_classifier(10)
    backbone = model.get_layer(BACKBONE)

    learning = {}
    for part in Trainable:
        freeze_all_but(model, part)
        learning[part] = [layer.name for layer in backbone.layers if layer.trainable]

    assert len(learning[Trainable.ALL]) == len(backbone.layers)
    assert learning[Trainable.LATE][0] == "block_3_depthwise"
    assert learning[Trainable.HEAD] == []
    assert len(model.trainable_variables) == 2


def test_the_moving_average_starts_with_a_short_time_constant() -> None:
    model, averaged = (keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]) for _ in range(2))
    model.compile("sgd", "mse")
    model.set_weights([np.ones((1, 1)), np.ones(1)])
    averaged.set_weights([np.zeros((1, 1)), np.zeros(1)])
    follow = MovingAverage(averaged, average_steps=1000)
    follow.set_model(model)

    for steps in (9, 10, 20):
        model.optimizer.iterations.assign(steps)
        follow.on_train_batch_end(0)

    # 9 steps: no update; then weights of 1 − 2/11 and 1 − 3/12.
    assert averaged.get_weights()[1] == pytest.approx(1 - (2 / 11) * (3 / 12))

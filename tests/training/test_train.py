"""A run can be stopped at any moment and goes on to the same end; what it cannot do it says."""

import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from model.network import BACKBONE, build_classifier
from tests.model.samples import sample_greys, sample_labels
from tests.training.conftest import PLAN
from training import checkpoint
from training.average import MovingAverage
from training.data import DatasetError, Examples
from training.dataset import Dataset
from training.freeze import train_only
from training.plan import Part, read_plan
from training.progress import finished_epochs
from training.train import main, train

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.timeout(300),
]


@pytest.fixture
def stopped_run(tmp_path: Path, samples: Dataset, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run like `trained_run` that was stopped in its second epoch."""

    def stop(self: MovingAverage, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(MovingAverage, "on_epoch_begin", stop)
    with pytest.raises(KeyboardInterrupt):
        train(samples, plan=PLAN, out=tmp_path, weights=None, resume=False)
    monkeypatch.undo()
    return tmp_path


def test_a_stopped_run_goes_on_to_the_same_weights(trained_run: Path, stopped_run: Path, samples: Dataset) -> None:
    assert finished_epochs(stopped_run) == 1

    resumed = train(samples, plan=PLAN, out=stopped_run, weights=None, resume=True)

    models = (keras.saving.load_model(path, compile=False) for path in (trained_run / "classifier.keras", resumed))
    first, second = (model.get_weights() for model in models)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_run_leaves_its_plan_every_average_and_one_state(trained_run: Path) -> None:
    files = sorted(file.name for file in (trained_run / checkpoint.FOLDER).iterdir())

    assert files == ["averaged-001.weights.h5", "averaged-002.weights.h5", "state-002.weights.h5"]
    assert read_plan(trained_run) == PLAN


def test_a_run_is_not_resumed_with_other_images(trained_run: Path, samples: Dataset) -> None:
    other = replace(samples, examples=Examples(samples.examples.images + np.uint8(1), samples.examples.labels))

    with pytest.raises(DatasetError, match="begun with other images"):
        train(other, plan=PLAN, out=trained_run, weights=None, resume=True)


def test_an_unfinished_run_is_not_thrown_away_unasked(
    trained_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(trained_run / "history.csv", tmp_path / "history.csv")

    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path)])

    assert "unfinished run of 2 epochs" in capsys.readouterr().err


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
        for index, grey in enumerate(sample_greys()[sample_labels() == number]):
            Image.fromarray(grey).save(folder / str(number) / f"{index}.png")
    return folder


def test_late_and_head_freeze_what_comes_before() -> None:
    model = build_classifier(10)
    backbone = model.get_layer(BACKBONE)

    learning = {}
    for part in Part:
        train_only(model, part)
        learning[part] = [layer.name for layer in backbone.layers if layer.trainable]

    assert len(learning[Part.ALL]) == len(backbone.layers)
    assert learning[Part.LATE][0] == "block_3_depthwise"
    assert learning[Part.HEAD] == []
    assert len(model.trainable_variables) == 2


def test_the_average_follows_with_a_short_memory_at_first() -> None:
    model, averaged = (keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]) for _ in range(2))
    model.compile("sgd", "mse")
    model.set_weights([np.ones((1, 1)), np.ones(1)])
    averaged.set_weights([np.zeros((1, 1)), np.zeros(1)])
    follow = MovingAverage(averaged, memory_steps=1000)
    follow.set_model(model)

    for steps in (9, 10, 20):
        model.optimizer.iterations.assign(steps)
        follow.on_train_batch_end(0)

    # 9 steps: no update; then shares of 1 − 2/11 and 1 − 3/12.
    assert averaged.get_weights()[1] == pytest.approx(1 - (2 / 11) * (3 / 12))

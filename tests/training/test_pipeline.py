"""Training, resuming, exporting and serving a tiny model on real pictures, end to end."""

import csv
from pathlib import Path

import numpy as np
import pytest

from model.artifact import Artifact, ArtifactExists, find_artifact
from model.cam import grad_cam, load_tail
from model.engine import load_engine
from tests.model.samples import sample_greys, sample_labels
from training.data import Examples
from training.evaluate import as_served
from training.export import export, next_version
from training.plan import Plan, Stage
from training.progress import HISTORY, best_epoch
from training.train import checkpoint, train

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def examples() -> Examples:
    return Examples(sample_greys(), sample_labels())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """One epoch, an interruption, and the second epoch of a run from random weights."""
    out = tmp_path_factory.mktemp("run")
    for epochs in (1, 2):
        plan = Plan(stages=(Stage(32, epochs),), batch_size=50, validation_per_class=5)
        train(examples, plan=plan, out=out, weights=None, resume=True)
    return out


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def artifact(run: Path, root: Path, examples: Examples) -> Artifact:
    return export(run, root, name="tiny", version="1.0.0", training=examples, test=examples)


def test_a_resumed_run_goes_on_where_it_stopped(run: Path) -> None:
    with (run / HISTORY).open(newline="") as file:
        epochs = [row["epoch"] for row in csv.DictReader(file)]

    assert epochs == ["1", "2"]
    assert checkpoint(run, 2).is_file()


def test_the_model_kept_is_the_best_of_the_last_stage(run: Path) -> None:
    best = checkpoint(run, best_epoch(run, size=32))

    assert (run / "classifier.keras").read_bytes() == best.read_bytes()


def test_a_published_model_is_whole_and_latest(artifact: Artifact, root: Path) -> None:
    artifact.verify()

    assert find_artifact(root, "tiny") == artifact
    assert artifact.manifest.metrics["fp32"]["images"] == 300
    assert next_version(root, "tiny") == "1.1.0"
    assert next_version(root, "another") == "1.0.0"


def test_its_graph_gives_probabilities_and_the_cam_of_the_formula(artifact: Artifact) -> None:
    engine = load_engine(artifact, engine="onnx")
    images = as_served(sample_greys()[:40], artifact.manifest.input)

    probabilities, cam = engine.infer(images)

    expected = grad_cam(engine.features(images), load_tail(artifact.path / "tail.npz"))
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert cam.shape == (40, artifact.manifest.cam.height, artifact.manifest.cam.width) == (40, 1, 1)
    assert np.allclose(cam, expected, atol=1e-4)


def test_the_card_tells_the_figures(artifact: Artifact) -> None:
    card = (artifact.path / "card.md").read_text("utf-8")

    assert f"accuracy {artifact.manifest.metrics['fp32']['accuracy']}" in card
    assert all(label in card for label in artifact.manifest.labels)


def test_a_version_is_published_once(artifact: Artifact, run: Path, root: Path, examples: Examples) -> None:
    digests = artifact.manifest.files

    with pytest.raises(ArtifactExists):
        export(run, root, name="tiny", version="1.0.0", training=examples, test=examples)

    assert find_artifact(root, "tiny").manifest.files == digests

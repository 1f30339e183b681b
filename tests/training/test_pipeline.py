"""Training, exporting and serving a tiny model on real pictures, end to end."""

from pathlib import Path

import numpy as np
import pytest

from model.artifact import Artifact, ArtifactExists, find_artifact
from model.cam import grad_cam, load_tail
from model.engine import load_engine
from tests.model.samples import sample_greys
from training.dataset import Dataset
from training.evaluate import as_served
from training.export import export, next_version
from training.plan import Plan, Stage
from training.train import train

# Keras 3.15 turns its variables into arrays in a way that NumPy 2 warns of.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory: pytest.TempPathFactory, samples: Dataset) -> Path:
    """One epoch of the real network from random weights."""
    out = tmp_path_factory.mktemp("run")
    plan = Plan(stages=(Stage(32, 1),), batch_size=80, validation_per_class=5)
    train(samples, plan=plan, out=out, weights=None, resume=False)
    return out


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def artifact(trained_run: Path, root: Path, samples: Dataset) -> Artifact:
    examples = samples.examples
    return export(trained_run, root, name="tiny", version="1.0.0", training=examples, test=examples)


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


def test_a_version_is_published_once(artifact: Artifact, trained_run: Path, root: Path, samples: Dataset) -> None:
    digests, examples = artifact.manifest.files, samples.examples

    with pytest.raises(ArtifactExists):
        export(trained_run, root, name="tiny", version="1.0.0", training=examples, test=examples)

    assert find_artifact(root, "tiny").manifest.files == digests

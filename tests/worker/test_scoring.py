"""The faithfulness that `explain=full` asks for: right, the same in any batch, and given up when nobody wants it."""

from pathlib import Path

import pytest

from core.states import Explain
from model.engines.interface import Engine
from model.engines.load import load_engine
from model.explanation.faithfulness import faithfulness
from tests.http import all_items, ended, paths, submit
from tests.model.samples import sample_pixels, shipped
from tests.stacks import RunningStack
from tests.worker.inferring import BATCH, Asked, infer

AGREEMENT = 1e-4
COST = Explain.FULL.cost


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(shipped(), engine="onnx", batch_size=BATCH)


def alone(engine: Engine, index: int) -> float:
    """The score of this sample's CAM, by itself."""
    image = sample_pixels()[index : index + 1]
    probabilities, cam = engine.infer(image)
    judged = faithfulness(lambda part: engine.infer(part).probabilities, image, cam, probabilities.argmax(axis=1))
    return float(judged.score[0])


def test_the_score_is_the_formulas_for_the_image_alone(
    stack: RunningStack, engine: Engine, samples: list[Path]
) -> None:
    with stack.client() as client:
        job = ended(client, submit(client, {**paths(samples[:20]), "broken.png": b"no image"}, explain="full"))
        items = all_items(client, job)

    scores = [item["faithfulness"] for item in items]
    assert scores[20] is None
    assert scores[:20] == pytest.approx([alone(engine, index) for index in range(20)], abs=AGREEMENT)


def test_a_score_does_not_depend_on_the_images_beside_it(engine: Engine, tmp_path: Path, samples: list[Path]) -> None:
    images = samples[:7]

    there = infer(engine, tmp_path / "a", images, explain=Explain.FULL, wanted=Asked())
    back = infer(engine, tmp_path / "b", images[::-1], explain=Explain.FULL, wanted=Asked())

    expected = [outcome.faithfulness for outcome in there]
    assert len(set(expected)) == len(images)
    assert [outcome.faithfulness for outcome in back[::-1]] == pytest.approx(expected, abs=AGREEMENT)


def test_an_image_costs_what_its_turn_is_charged(engine: Engine, tmp_path: Path, samples: list[Path]) -> None:
    wanted = {explain: Asked() for explain in Explain}

    for explain in Explain:
        infer(engine, tmp_path / explain, samples[:1], explain=explain, wanted=wanted[explain])

    assert {explain: asked.count for explain, asked in wanted.items()} == {e: e.cost for e in Explain}


@pytest.mark.parametrize(("times", "done"), [(0, 0), (COST - 1, 0), (COST, 4), (COST + 1, 4), (2 * COST, 8)])
def test_what_is_cancelled_in_the_middle_of_a_batch_keeps_the_batches_before_it(
    engine: Engine, tmp_path: Path, samples: list[Path], times: int, done: int
) -> None:
    outcomes = infer(engine, tmp_path, samples[: 2 * BATCH], explain=Explain.FULL, wanted=Asked(times))

    assert [outcome.index for outcome in outcomes] == list(range(done))

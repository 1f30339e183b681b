"""The faithfulness that `explain=full` asks for: right, the same in any batch, and interrupted by a cancellation."""

from pathlib import Path

import pytest

from core.states import Explain
from model.engines.interface import Engine
from model.engines.load import load_engine
from model.explanation.faithfulness import faithfulness
from tests.http import all_items, ended, paths, submit
from tests.model.samples import sample_pixels, shipped
from tests.stacks import RunningStack
from tests.worker.inferring import BATCH, CountedCheck, infer

AGREEMENT = 1e-4
COST = Explain.FULL.cost


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(shipped(), engine="onnx", batch_size=BATCH)


def alone(engine: Engine, index: int) -> float:
    """The score of this sample's CAM, by itself."""
    image = sample_pixels()[index : index + 1]
    probabilities, cam = engine.infer(image)
    scored = faithfulness(lambda part: engine.infer(part).probabilities, image, cam, probabilities.argmax(axis=1))
    return float(scored.score[0])


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

    there = infer(engine, tmp_path / "a", images, explain=Explain.FULL, check=CountedCheck())
    back = infer(engine, tmp_path / "b", images[::-1], explain=Explain.FULL, check=CountedCheck())

    expected = [result.faithfulness for result in there]
    assert len(set(expected)) == len(images)
    assert [result.faithfulness for result in back[::-1]] == pytest.approx(expected, abs=AGREEMENT)


def test_an_image_takes_the_classifications_that_its_virtual_time_counts(
    engine: Engine, tmp_path: Path, samples: list[Path]
) -> None:
    checks = {explain: CountedCheck() for explain in Explain}

    for explain in Explain:
        infer(engine, tmp_path / explain, samples[:1], explain=explain, check=checks[explain])

    assert {explain: check.count for explain, check in checks.items()} == {e: e.cost for e in Explain}


@pytest.mark.parametrize(("times", "done"), [(0, 0), (COST - 1, 0), (COST, 4), (COST + 1, 4), (2 * COST, 8)])
def test_a_job_cancelled_in_the_middle_of_a_batch_keeps_the_batches_before_it(
    engine: Engine, tmp_path: Path, samples: list[Path], times: int, done: int
) -> None:
    results = infer(engine, tmp_path, samples[: 2 * BATCH], explain=Explain.FULL, check=CountedCheck(times))

    assert [result.index for result in results] == list(range(done))

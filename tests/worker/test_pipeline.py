"""From a shard's object to its results: the same whether a thread decodes ahead or not."""

import threading
from pathlib import Path

import numpy as np
import pytest

from core.states import Explain
from model.engines.interface import Engine
from model.engines.keras import GPU_AHEAD
from model.engines.load import load_engine
from tests.model.samples import shipped
from tests.worker.inferring import BATCH, CountedCheck, infer
from worker.inference.pipeline import top_k
from worker.lease import LeaseLost

ALONE, AHEAD = 1, 2
"""Threads of the engine: with several, a further thread decodes ahead."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(shipped(), engine="onnx", batch_size=BATCH)


def decoders() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_decoding_ahead_changes_no_result(engine: Engine, tmp_path: Path, samples: list[Path]) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    images = [*samples[:5], broken, *samples[5:9]]

    alone, ahead = (
        infer(engine, tmp_path / str(threads), images, explain=Explain.CAM, check=CountedCheck(), threads=threads)
        for threads in (ALONE, AHEAD)
    )

    assert alone == ahead
    assert [result.error_code for result in alone] == [None] * 5 + ["not_an_image"] + [None] * 4


@pytest.mark.parametrize("threads", [ALONE, AHEAD])
def test_a_cancelled_job_ends_after_its_batch_and_leaves_no_thread(
    engine: Engine, tmp_path: Path, samples: list[Path], threads: int
) -> None:
    found = infer(engine, tmp_path, samples[:12], explain=Explain.CAM, check=CountedCheck(2), threads=threads)

    assert [result.index for result in found] == list(range(2 * BATCH))
    assert decoders() == []


@pytest.mark.parametrize("threads", [ALONE, AHEAD])
def test_an_interrupted_shard_leaves_no_thread(
    engine: Engine, tmp_path: Path, samples: list[Path], threads: int
) -> None:
    def lost() -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost) as interruption:
        infer(engine, tmp_path, samples[:12], explain=Explain.CAM, check=lost, threads=threads)

    assert interruption.traceback
    assert decoders() == []


def test_batches_on_their_way_to_a_gpu_change_no_result(
    tmp_path: Path, samples: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = load_engine(shipped(), engine="keras", batch_size=BATCH)
    images = samples[:14]
    alone = infer(keras, tmp_path / "alone", images, explain=Explain.CAM, check=CountedCheck())

    monkeypatch.setattr(keras, "_ahead", GPU_AHEAD)
    ahead = infer(keras, tmp_path / "ahead", images, explain=Explain.CAM, check=CountedCheck(), threads=2)

    assert ahead == alone
    assert [result.index for result in ahead] == list(range(14))


def test_equal_classes_are_named_in_the_order_of_the_labels() -> None:
    probabilities = np.array([[0.25, 0.5, 0.25], [0.5, 0.0, 0.5]], np.float32)

    best = top_k(probabilities, ["a", "b", "c"], k=2)

    assert [[score["label"] for score in scores] for scores in best] == [["b", "a"], ["a", "c"]]
    assert [[score["confidence"] for score in scores] for scores in best] == [[0.5, 0.25], [0.5, 0.5]]

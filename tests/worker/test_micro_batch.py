"""Micro-batches: small shards of several jobs in the same batches."""

from pathlib import Path

import pytest

from core.db.tables import Job, Shard
from core.objects.shard_format import ShardWriter
from core.objects.storage import Storage, shard_key
from core.states import Explain
from model.engines.interface import Engine
from model.engines.load import load_engine
from tests.model.samples import shipped
from tests.worker.inferring import BATCH, CountedCheck
from worker.inference.micro_batch import infer_micro_batch
from worker.inference.pipeline import Work
from worker.lease import Released


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(shipped(), engine="onnx", batch_size=BATCH)


def work(engine: Engine, storage: Storage, number: int, *, images: list[Path]) -> Work:
    """A claimed shard of these images, of a job of its own."""
    key = shard_key(f"{number:032x}", 1)
    with storage.create(key) as file:
        writer = ShardWriter(file)
        for image in images:
            writer.add(image.name, image.read_bytes())
        writer.close()
    positions = [*range(len(images))]
    shard = Shard(positions=positions, first_index=0, count=len(images), object_key=key, object_digest=writer.digest)
    return Work(shard, Job(top_k=1, explain=Explain.CAM), shipped(), engine)


def test_each_shard_gets_its_own_results_whatever_its_neighbors_are(
    engine: Engine, tmp_path: Path, samples: list[Path]
) -> None:
    storage = Storage(tmp_path)
    parts = [samples[:3], samples[3:4], samples[4:6], samples[6:9]]
    works = [work(engine, storage, number, images=images) for number, images in enumerate(parts)]
    storage.delete(works[1].shard.object_key)
    storage.path(works[2].shard.object_key).write_bytes(b"damaged")

    found = infer_micro_batch(works, storage, check=lambda: None)

    assert [[result.index for result in results] for results in found] == [[0, 1, 2], [0], [0, 1], [0, 1, 2]]
    codes = [{result.error_code for result in results} for results in found]
    assert codes == [{None}, {"object_missing"}, {"object_corrupt"}, {None}]
    assert [result.name for result in found[3]] == [image.name for image in samples[6:9]]


def test_a_micro_batch_stops_between_two_shards(engine: Engine, tmp_path: Path, samples: list[Path]) -> None:
    storage, check = Storage(tmp_path), CountedCheck(2, error=Released)
    works = [work(engine, storage, number, images=samples[:2]) for number in range(6)]

    with pytest.raises(Released):
        infer_micro_batch(works, storage, check=check)

    assert check.count == 3

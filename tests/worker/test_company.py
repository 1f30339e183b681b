"""Small shards of several callers in the same batches."""

from pathlib import Path

import pytest

from core.db.tables import Job, Shard
from core.objects.shard_format import ShardWriter
from core.objects.storage import Storage, shard_key
from core.states import Explain
from model.engines.interface import Engine
from model.engines.load import load_engine
from tests.model.samples import shipped
from tests.worker.inferring import BATCH, Asked
from worker.inference.lease import GivenUp
from worker.inference.micro_batch import infer_company
from worker.inference.pipeline import Work


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


def test_each_shard_gets_its_own_outcomes_whatever_its_neighbors_are(
    engine: Engine, tmp_path: Path, samples: list[Path]
) -> None:
    storage = Storage(tmp_path)
    parts = [samples[:3], samples[3:4], samples[4:6], samples[6:9]]
    works = [work(engine, storage, number, images=images) for number, images in enumerate(parts)]
    storage.delete(works[1].shard.object_key)
    storage.path(works[2].shard.object_key).write_bytes(b"damaged")

    found = infer_company(works, storage, check=lambda: None)

    assert [[outcome.index for outcome in outcomes] for outcomes in found] == [[0, 1, 2], [0], [0, 1], [0, 1, 2]]
    codes = [{outcome.error_code for outcome in outcomes} for outcomes in found]
    assert codes == [{None}, {"object_missing"}, {"object_corrupt"}, {None}]
    assert [outcome.name for outcome in found[3]] == [image.name for image in samples[6:9]]


def test_a_company_is_given_up_between_two_shards(engine: Engine, tmp_path: Path, samples: list[Path]) -> None:
    storage, asked = Storage(tmp_path), Asked(2)
    works = [work(engine, storage, number, images=samples[:2]) for number in range(6)]

    def stop_after_two() -> None:
        if not asked():
            raise GivenUp

    with pytest.raises(GivenUp):
        infer_company(works, storage, check=stop_after_two)

    assert asked.count == 3

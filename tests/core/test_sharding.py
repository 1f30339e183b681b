"""Shards of images that take more work hold fewer of them, over the same objects."""

from sqlalchemy import select

from core.db.engines import Database
from core.db.tables import Job, Shard
from core.jobs import retry
from core.jobs.sharding import split_positions
from core.states import Explain
from tests.core.moves import claimed, finish
from tests.databases import SHARD_IMAGES, submit

MOST = SHARD_IMAGES // Explain.FULL.cost


def shards_of(database: Database, job: Job) -> list[Shard]:
    """Those of the latest run, in their order."""
    with database.read.begin() as session:
        current_run = session.scalars(select(Job.run).where(Job.id == job.id)).one()
        found = select(Shard).where(Shard.job_id == job.id, Shard.run == current_run).order_by(Shard.virtual_time)
        return list(session.scalars(found))


def test_an_object_is_cut_into_shards_of_the_same_work(database: Database) -> None:
    with database.write.begin() as session:
        job = submit(session, counts=(2 * MOST + 1, 3), explain=Explain.FULL)

    shards = shards_of(database, job)

    assert [shard.count for shard in shards] == [MOST, MOST, 1, 3]
    assert [shard.first_index for shard in shards] == [0, 0, 0, 2 * MOST + 1]
    assert [shard.positions[0] for shard in shards] == [0, MOST, 2 * MOST, 0]
    assert len({shard.object_key for shard in shards}) == 2
    assert job.shards == len(shards)


def test_a_retry_cuts_them_alike(database: Database) -> None:
    with database.write.begin() as session:
        job = submit(session, counts=(2 * MOST,), explain=Explain.FULL)
    ended = [finish(database, claimed(database), failed=MOST) for _ in range(2)][-1]

    with database.write.begin() as session:
        again = retry.retry_failed(session, ended, shard_images=SHARD_IMAGES)

    assert [shard.count for shard in shards_of(database, job)] == [MOST, MOST]
    assert (again.shards, again.queued) == (2, 2 * MOST)


def test_a_shard_has_an_image_at_least() -> None:
    assert list(split_positions([4, 7], explain=Explain.FULL, shard_images=1)) == [[4], [7]]
    assert list(split_positions([4, 7], explain=Explain.CAM, shard_images=256)) == [[4, 7]]

"""Owners are served in proportion, whatever one of them sends."""

from sqlalchemy import select

from core.db.engines import Database
from core.db.tables import Shard
from core.jobs import shards
from core.states import Explain, Queue
from tests.core.moves import claim, claimed, finish, submitted
from tests.databases import submit


def test_a_shard_that_the_servers_own_trouble_failed_lets_others_pass(database: Database) -> None:
    submitted(database, 1, owner="unlucky")
    submitted(database, 1, owner="next")
    first = claimed(database)

    with database.write.begin() as session:
        assert shards.snooze(session, first)

    assert claimed(database).owner == "next"
    assert claim(database) is None
    with database.read.begin() as session:
        assert shards.queued(session, Queue.BULK) == 0


def test_a_flooding_owner_does_not_hold_up_another(database: Database) -> None:
    submitted(database, *[10] * 20, owner="flood")
    for _ in range(3):
        finish(database, claimed(database))
    submitted(database, 10, 10, owner="late")

    order = [claimed(database).owner for _ in range(6)]

    assert order.count("late") == 2
    assert order[:4].count("late") >= 1


def test_yesterdays_use_is_forgotten(database: Database) -> None:
    submitted(database, *[10] * 10, owner="busy")
    while shard := claim(database):
        finish(database, shard)

    with database.write.begin() as session:
        job = submit(session, counts=(5,), owner="busy")
        virtual_time = session.scalar(select(Shard.virtual_time).where(Shard.job_id == job.id))

    assert virtual_time == 5


def test_images_that_take_more_work_are_charged_more_virtual_time(database: Database) -> None:
    with database.write.begin() as session:
        job = submit(session, counts=(5, 2), explain=Explain.FULL)
        virtual_times = session.scalars(
            select(Shard.virtual_time).where(Shard.job_id == job.id).order_by(Shard.number)
        ).all()

    assert virtual_times == [5 * Explain.FULL.cost, 7 * Explain.FULL.cost]

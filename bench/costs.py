"""Unit costs: what an image and a shard ask of Redis, Postgres and the disk, and what an idle stack asks."""

import time
from collections.abc import Mapping

from sqlalchemy import text

from bench.ground import Ground
from bench.stack import BenchStack, closing_database

PER_DATABASE = ("xact_commit", "tup_inserted", "tup_updated")
WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
SIZE = "SELECT pg_database_size(current_database())"

Counters = dict[str, float]


def unit_costs(ground: Ground) -> dict[str, Mapping[str, float]]:
    """Per shard of a bulk job, per image of it, and per second of idling."""
    stack, images = ground.stack, ground.sizes.bulk_images
    zipped = ground.small_zip(images)
    settle_s = ground.sizes.settle_s
    start = counters(stack, settle_s=settle_s)
    before = counters(stack, settle_s=settle_s)
    idle = {name: value / settle_s for name, value in _moved(start, before).items()}
    started_s = time.monotonic()
    job = stack.ended(stack.submit(zipped))
    moved = _moved(before, counters(stack, settle_s=settle_s))
    duration_s = time.monotonic() - started_s
    stack.delete(job)
    work = {name: value - idle[name] * duration_s for name, value in moved.items()}
    shards = -(-images // stack.plan.settings.shard_images)
    return {
        "per_shard": {name: _rounded(value / shards) for name, value in work.items()},
        "per_image": {name: _rounded(value / images) for name, value in work.items()},
        "idle_per_s": {name: _rounded(value) for name, value in idle.items()},
    }


def counters(stack: BenchStack, *, settle_s: float) -> Counters:
    """What the servers have counted so far; what an idle connection did, Postgres publishes up to ten seconds late."""
    time.sleep(settle_s)
    with stack.redis.client() as client:
        commands = client.info("commandstats")
        redis = {"redis_commands": float(sum(one["calls"] for one in commands.values()))}
    with closing_database(stack.plan.settings.database_url) as database, database.read.begin() as session:
        columns = ", ".join(PER_DATABASE)
        row = session.execute(text(f"SELECT {columns} FROM pg_stat_database WHERE datname = current_database()")).one()  # noqa: S608
        disk = {"wal_bytes": WAL, "database_bytes": SIZE}
        read = {name: float(session.scalars(text(query)).one()) for name, query in disk.items()}
    return redis | dict(zip(PER_DATABASE, map(float, row), strict=True)) | read | {"stored_bytes": _stored(stack)}


def _stored(stack: BenchStack) -> float:
    files = stack.plan.settings.storage_dir.rglob("*")
    return float(sum(file.stat().st_size for file in files if file.is_file()))


def _moved(before: Counters, after: Counters) -> Counters:
    return {name: after[name] - value for name, value in before.items()}


def _rounded(figure: float) -> float:
    return float(f"{figure:.3g}")

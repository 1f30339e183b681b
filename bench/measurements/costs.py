"""Unit costs: what an image, a shard, a job ask of Redis, Postgres, disk and CPU, and what an idle stack asks."""

import time
from collections.abc import Callable, Iterator, Mapping

import psutil
from sqlalchemy import text

from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from bench.harness.stack import BenchStack, closing_database
from bench.measurements.singles import commit_singles

PER_DATABASE = ("xact_commit", "tup_inserted", "tup_updated")
WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
SIZE = "SELECT pg_database_size(current_database())"

Counters = dict[str, float]
Costs = Mapping[str, float]


def unit_costs(ground: Ground) -> dict[str, Costs]:
    """Per shard of a bulk job, per image of it, per image deleted, per job of one image, and per second of idling."""
    stack, sizes = ground.stack, ground.sizes
    start = counters(stack, settle_s=sizes.settle_s)
    idle_per_s = _per(_moved(start, counters(stack, settle_s=sizes.settle_s)), sizes.settle_s)

    def cost(work: Callable[[], object]) -> Counters:
        before, started_s = counters(stack, settle_s=sizes.settle_s), time.monotonic()
        work()
        after = counters(stack, settle_s=sizes.settle_s)
        idled_s = time.monotonic() - started_s
        return {name: value - idle_per_s[name] * idled_s for name, value in _moved(before, after).items()}

    jobs: list[Mapping[str, object]] = []
    bulk = cost(lambda: jobs.append(stack.ended(stack.submit(ground.small_zip(sizes.bulk_images)))))
    deleted = cost(lambda: stack.delete(jobs.pop()))
    singles = cost(lambda: commit_singles(stack, small_images(sizes.singles)))
    shards = -(-sizes.bulk_images // stack.plan.settings.shard_images)
    return {
        "per_shard": _rounded(_per(bulk, shards)),
        "per_image": _rounded(_per(bulk, sizes.bulk_images)),
        "per_deleted_image": _rounded(_per(deleted, sizes.bulk_images)),
        "per_single": _rounded(_per(singles, sizes.singles)),
        "idle_per_s": _rounded(idle_per_s),
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
    known = dict(zip(PER_DATABASE, map(float, row), strict=True))
    return redis | known | read | {"stored_bytes": _stored(stack)} | dict(_cpu_ms(stack))


def _stored(stack: BenchStack) -> float:
    files = stack.plan.settings.storage_dir.rglob("*")
    return float(sum(file.stat().st_size for file in files if file.is_file()))


def _cpu_ms(stack: BenchStack) -> Iterator[tuple[str, float]]:
    """CPU time of every program with the processes it started, those that ended among them."""
    programs = stack.supervisor.pids() | {"redis": stack.redis.pid, "postgres": stack.postgres.pid}
    for name, pid in programs.items():
        process = psutil.Process(pid)
        spent = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        ended = spent[0].children_user + spent[0].children_system
        yield f"{name.replace('-', '_')}_cpu_ms", (ended + sum(one.user + one.system for one in spent)) * 1000


def _moved(before: Counters, after: Counters) -> Counters:
    return {name: after[name] - value for name, value in before.items()}


def _per(counters: Counters, units: float) -> Counters:
    return {name: value / units for name, value in counters.items()}


def _rounded(counters: Counters) -> Costs:
    return {name: float(f"{figure:.3g}") for name, figure in counters.items()}

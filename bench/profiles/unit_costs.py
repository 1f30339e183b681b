"""Unit costs: what an image, a shard and a job cost Redis, Postgres, disk and CPU, and what an idle stack costs."""

import time
from collections.abc import Callable, Iterator, Mapping

import psutil
from sqlalchemy import text

from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from bench.harness.stack import BenchStack
from bench.measurements.singles import single_image_job_rate

DATABASE_COUNTERS = ("xact_commit", "tup_inserted", "tup_updated")
WAL_BYTES = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
DATABASE_BYTES = "SELECT pg_database_size(current_database())"

Counters = dict[str, float]
Costs = Mapping[str, float]


def unit_costs(harness: BenchHarness) -> dict[str, Costs]:
    """Return the costs per bulk shard, bulk image, deleted image, single-image job, and second of an idle stack."""
    stack, sizes = harness.stack, harness.sizes
    start = read_counters(stack, settle_s=sizes.settle_s)
    idle_per_s = _per_unit(_difference(start, read_counters(stack, settle_s=sizes.settle_s)), sizes.settle_s)

    def cost(work: Callable[[], object]) -> Counters:
        before, started_s = read_counters(stack, settle_s=sizes.settle_s), time.monotonic()
        work()
        after = read_counters(stack, settle_s=sizes.settle_s)
        elapsed_s = time.monotonic() - started_s
        return {name: value - idle_per_s[name] * elapsed_s for name, value in _difference(before, after).items()}

    jobs: list[Mapping[str, object]] = []
    bulk = cost(lambda: jobs.append(stack.wait_for(stack.submit(harness.small_zip(sizes.bulk_images)))))
    deleted = cost(lambda: stack.delete(jobs.pop()))
    singles = cost(lambda: single_image_job_rate(stack, small_images(sizes.single_image_jobs)))
    shards = -(-sizes.bulk_images // stack.plan.settings.shard_images)
    return {
        "per_shard": _rounded(_per_unit(bulk, shards)),
        "per_image": _rounded(_per_unit(bulk, sizes.bulk_images)),
        "per_deleted_image": _rounded(_per_unit(deleted, sizes.bulk_images)),
        "per_single": _rounded(_per_unit(singles, sizes.single_image_jobs)),
        "idle_per_s": _rounded(idle_per_s),
    }


def read_counters(stack: BenchStack, *, settle_s: float) -> Counters:
    """Return the servers' counters after a wait: Postgres publishes those of an idle connection up to 10 s late."""
    time.sleep(settle_s)
    with stack.redis.client() as client:
        commands = client.info("commandstats")
        redis = {"redis_commands": float(sum(one["calls"] for one in commands.values()))}
    with stack.database() as database, database.read.begin() as session:
        columns = ", ".join(DATABASE_COUNTERS)
        row = session.execute(text(f"SELECT {columns} FROM pg_stat_database WHERE datname = current_database()")).one()  # noqa: S608
        sizes = {"wal_bytes": WAL_BYTES, "database_bytes": DATABASE_BYTES}
        postgres = {name: float(session.scalars(text(query)).one()) for name, query in sizes.items()}
    statements = dict(zip(DATABASE_COUNTERS, map(float, row), strict=True))
    return redis | statements | postgres | {"stored_bytes": _stored_bytes(stack)} | dict(_cpu_ms(stack))


def _stored_bytes(stack: BenchStack) -> float:
    files = stack.plan.settings.storage_dir.rglob("*")
    return float(sum(file.stat().st_size for file in files if file.is_file()))


def _cpu_ms(stack: BenchStack) -> Iterator[tuple[str, float]]:
    """CPU time of every program, including its child processes that run and that ended."""
    programs = stack.supervisor.pids() | {"redis": stack.redis.pid, "postgres": stack.postgres.pid}
    for name, pid in programs.items():
        process = psutil.Process(pid)
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        ended_children_s = times[0].children_user + times[0].children_system
        yield f"{name.replace('-', '_')}_cpu_ms", (ended_children_s + sum(t.user + t.system for t in times)) * 1000


def _difference(before: Counters, after: Counters) -> Counters:
    return {name: after[name] - value for name, value in before.items()}


def _per_unit(counters: Counters, units: float) -> Counters:
    return {name: value / units for name, value in counters.items()}


def _rounded(counters: Counters) -> Costs:
    return {name: float(f"{figure:.3g}") for name, figure in counters.items()}

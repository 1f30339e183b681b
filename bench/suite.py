"""The suite: every benchmark and profile with the keys that it yields, and how they run."""

import time
from collections.abc import Callable, Iterator, Sequence

import httpx

from bench.baselines.celery_per_image import bulk_vs_usual
from bench.baselines.peer_servers import bulk_vs_bentoml, bulk_vs_litserve, bulk_vs_raydata, singles_rate
from bench.harness.bench_harness import BenchHarness
from bench.harness.results import (
    CONTENTION,
    GPU,
    STAGES,
    TIMELINE,
    UNIT_COSTS,
    Facts,
    NotMeasured,
    Results,
    Unavailable,
)
from bench.harness.stack import BenchError
from bench.measurements.api_memory import api_upload_growth
from bench.measurements.archive import archive_ratio
from bench.measurements.bulk import bulk_efficiency, fsync_speed_ratio, photo_gain, two_workers
from bench.measurements.engine import cam_speed_ratio, int8_gain
from bench.measurements.growth import growth
from bench.measurements.predict import predict_p50_ratio, predict_p99_loaded_ratio
from bench.profiles.contention import contention
from bench.profiles.gpu import gpu_facts
from bench.profiles.stages import stages_ms
from bench.profiles.timeline import timeline_s
from bench.profiles.unit_costs import unit_costs
from bench.reporting.targets import TARGETS, evaluate
from ops.errors import OpsError

Benchmark = Callable[[BenchHarness], Results]
Profile = Callable[[BenchHarness], object]

BENCHMARKS: dict[Benchmark, tuple[str, ...]] = {
    cam_speed_ratio: ("cam_speed_ratio",),
    int8_gain: ("int8_gain",),
    bulk_efficiency: ("bulk_efficiency",),
    growth: ("growth_1k_100k", "worker_rss_mib", "worker_growth"),
    bulk_vs_usual: ("bulk_vs_usual",),
    photo_gain: ("photo_gain",),
    predict_p50_ratio: ("predict_p50_ratio",),
    predict_p99_loaded_ratio: ("predict_p99_loaded_ratio",),
    archive_ratio: ("archive_ratio",),
    api_upload_growth: ("api_upload_growth_mib",),
    two_workers: ("two_workers",),
    fsync_speed_ratio: ("fsync_speed_ratio",),
}
PEER_BENCHMARKS: dict[Benchmark, tuple[str, ...]] = {
    bulk_vs_litserve: ("bulk_vs_litserve",),
    bulk_vs_bentoml: ("bulk_vs_bentoml",),
    bulk_vs_raydata: ("bulk_vs_raydata",),
    singles_rate: ("singles_rate",),
}
ALL_BENCHMARKS = BENCHMARKS | PEER_BENCHMARKS
PROFILES: dict[str, Profile] = {
    STAGES: stages_ms,
    TIMELINE: timeline_s,
    UNIT_COSTS: unit_costs,
    CONTENTION: contention,
    GPU: gpu_facts,
}

FAILURES = (Unavailable, BenchError, OpsError, OSError, EOFError, httpx.HTTPError)
"""What ends one benchmark but not the suite: a server does not start, refuses, or goes away."""


def measure(harness: BenchHarness, keys: Sequence[str]) -> Iterator[Results]:
    """Yield the results of every benchmark that yields one of these keys; a failed benchmark yields its reason."""
    for benchmark, yields in ALL_BENCHMARKS.items():
        if set(yields) & set(keys):
            started_s = time.monotonic()
            harness.report(f"measuring {', '.join(yields)} …")
            try:
                results = benchmark(harness)
            except FAILURES as failure:
                results = dict.fromkeys(yields, NotMeasured(str(failure) or type(failure).__name__))
            evaluations = ", ".join(f"{key} {evaluate(TARGETS[key], result)}" for key, result in results.items())
            harness.report(f"  {evaluations} ({time.monotonic() - started_s:.0f} s)")
            yield results


def profile(harness: BenchHarness, keys: Sequence[str]) -> Facts:
    """Return the profiles of these keys; a failed profile is its reason."""
    facts: dict[str, object] = {}
    for key in [key for key in PROFILES if key in keys]:
        harness.report(f"measuring {key} …")
        try:
            facts[key] = PROFILES[key](harness)
        except FAILURES as failure:
            facts[key] = {"not_available": str(failure)}
            harness.report(f"  not available: {failure}")
    return facts


def default_keys() -> list[str]:
    """Return all keys but those of the peers."""
    return [key for yields in BENCHMARKS.values() for key in yields] + list(PROFILES)


def peer_keys() -> list[str]:
    """Return the keys that compare Batchlight with other servers."""
    return [key for yields in PEER_BENCHMARKS.values() for key in yields]

"""`python -m bench`: measures, prints the table, writes the results. Its servers are its own, on loopback."""

import argparse
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
from rich.console import Console

from bench.harness.bench_harness import QUICK, Ground, Sizes
from bench.harness.machine import machine_facts
from bench.harness.results import (
    CONTENTION,
    COSTS,
    MACHINE,
    STAGES,
    TIMELINE,
    Facts,
    Findings,
    Missing,
    Unavailable,
    merged,
    write_results,
)
from bench.harness.stack import BenchError
from bench.harness.timeline import timeline_s
from bench.measurements.archive import archive_ratio
from bench.measurements.bulk import bulk_efficiency, fsync_cost, photo_gain, two_workers
from bench.measurements.contention import contention
from bench.measurements.costs import unit_costs
from bench.measurements.engine import cam_cost, int8_gain
from bench.measurements.gpu import GPU, gpu_facts
from bench.measurements.growth import growth
from bench.measurements.memory import api_upload_growth
from bench.measurements.predict import predict_p50_ratio, predict_p99_loaded_ratio
from bench.measurements.stages import stages_ms
from bench.peers.celery_baseline import bulk_vs_usual
from bench.peers.comparison import bulk_vs_bentoml, bulk_vs_litserve, bulk_vs_raydata, singles_rate
from bench.reporting.figure import draw_figures
from bench.reporting.table import TARGETS, draw_table, verdict
from core.settings import ROOT
from ops.errors import OpsError

Measurement = Callable[[Ground], Findings]

OURS: dict[Measurement, tuple[str, ...]] = {
    cam_cost: ("cam_cost",),
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
    fsync_cost: ("fsync_cost",),
}
PEERS: dict[Measurement, tuple[str, ...]] = {
    bulk_vs_litserve: ("bulk_vs_litserve",),
    bulk_vs_bentoml: ("bulk_vs_bentoml",),
    bulk_vs_raydata: ("bulk_vs_raydata",),
    singles_rate: ("singles_rate",),
}
ALL = OURS | PEERS
PROFILES: dict[str, Callable[[Ground], object]] = {
    STAGES: stages_ms,
    TIMELINE: timeline_s,
    COSTS: unit_costs,
    CONTENTION: contention,
    GPU: gpu_facts,
}

WIDE = 140
"""Characters a line that hold what each key means too."""

FAILURES = (Unavailable, BenchError, OpsError, OSError, EOFError, httpx.HTTPError)
"""What ends one measurement and not the run: a server that does not start, refuses, or goes away."""


def measure(ground: Ground, keys: Sequence[str]) -> Iterator[Findings]:
    """Every measurement that yields one of these keys; one that fails says why and does not keep the others."""
    for measurement, yields in ALL.items():
        if set(yields) & set(keys):
            started_s = time.monotonic()
            ground.say(f"measuring {', '.join(yields)} …")
            try:
                found = measurement(ground)
            except FAILURES as failure:
                found = dict.fromkeys(yields, Missing(str(failure) or type(failure).__name__))
            said = ", ".join(f"{key} {verdict(TARGETS[key], finding)}" for key, finding in found.items())
            ground.say(f"  {said} ({time.monotonic() - started_s:.0f} s)")
            yield found


def profile(ground: Ground, wanted: Sequence[str]) -> Facts:
    """What is no ratio: where the time goes, and what an image costs the servers."""
    facts: dict[str, object] = {}
    for name in [name for name in PROFILES if name in wanted]:
        ground.say(f"measuring {name} …")
        try:
            facts[name] = PROFILES[name](ground)
        except FAILURES as failure:
            facts[name] = {"not_available": str(failure)}
            ground.say(f"  not available: {failure}")
    return facts


def chosen(options: argparse.Namespace) -> list[str]:
    """The keys to measure; raises SystemExit for one that does not exist."""
    known = [*TARGETS, *PROFILES]
    if options.only:
        unknown = set(options.only) - set(known)
        if unknown:
            raise SystemExit(f"There is no key {', '.join(sorted(unknown))}. There are: {', '.join(known)}")
        return list(options.only)
    if options.peers:
        return [key for yields in PEERS.values() for key in yields]
    return [key for yields in OURS.values() for key in yields] + list(PROFILES)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Batchlight on this machine.")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how fast it is")
    parser.add_argument("--peers", action="store_true", help="only what compares with other servers")
    parser.add_argument("--only", nargs="+", metavar="KEY", help="only these keys")
    parser.add_argument("--out", type=Path, help="the results file; keys it has already are replaced, others kept")
    return parser.parse_args()


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """A polite kill ends the servers in good order too, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, interrupt)
    options, console = parse(), Console()
    sizes = QUICK if options.quick else Sizes()
    out = options.out or ROOT / "bench" / ("results-quick.json" if options.quick else "results.json")
    keys, started_s = chosen(options), time.monotonic()
    with Ground(sizes, console=console) as ground:
        findings: Findings = {}
        for found in measure(ground, keys):
            findings |= found
            write_results(out, merged(out, found, {}))
        facts = {**profile(ground, keys), MACHINE: machine_facts(mode=sizes.mode, folder=ground.folder)}
    results = merged(out, findings, facts)
    write_results(out, results)
    draw_figures(results, out)
    console.print(draw_table(findings, wide=console.width >= WIDE))
    console.print(f"{out}, after {time.monotonic() - started_s:.0f} s", highlight=False)


if __name__ == "__main__":
    main()

"""`python -m bench` measures and writes results; `python -m bench compare BEFORE AFTER` compares two results files."""

import argparse
import signal
import time
from pathlib import Path

from rich.console import Console

from bench.harness.bench_harness import BenchHarness
from bench.harness.machine import machine_facts
from bench.harness.results import MACHINE, Results, merged, write_results
from bench.harness.sizes import QUICK, Sizes
from bench.reporting.compare import compare
from bench.reporting.figures import draw_figures
from bench.reporting.table import result_table
from bench.reporting.targets import TARGETS
from bench.suite import PROFILES, default_keys, measure, peer_keys, profile
from core.settings import ROOT

WIDE_COLUMNS = 140
"""Terminal width from which the table also says what each key means."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Batchlight on this machine.")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how fast it is")
    parser.add_argument("--peers", action="store_true", help="only the comparisons with other servers")
    parser.add_argument("--only", nargs="+", metavar="KEY", help="only these keys")
    parser.add_argument("--out", type=Path, help="the results file; keys that are not measured keep their results")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="")
    comparison = commands.add_parser("compare", help="show which results changed by more than their spread")
    comparison.add_argument("before", type=Path, help="the earlier results file")
    comparison.add_argument("after", type=Path, help="the later results file")
    return parser.parse_args()


def chosen_keys(options: argparse.Namespace) -> list[str]:
    """Return the keys to measure; raise SystemExit for an unknown key."""
    if options.only:
        keys = [*TARGETS, *PROFILES]
        unknown = ", ".join(sorted(set(options.only) - set(keys)))
        if unknown:
            raise SystemExit(f"--only got an unknown key: {unknown}. The keys are {', '.join(keys)}.")
        return list(options.only)
    return peer_keys() if options.peers else default_keys()


def run(options: argparse.Namespace, console: Console) -> None:
    """Measure the chosen keys; write the results file after each of them, and the figures at the end."""
    sizes = QUICK if options.quick else Sizes()
    out = options.out or ROOT / "bench" / ("results-quick.json" if options.quick else "results.json")
    keys, started_s = chosen_keys(options), time.monotonic()
    results: Results = {}
    with BenchHarness(sizes, console=console) as harness:
        for measured in measure(harness, keys):
            results |= measured
            write_results(out, merged(out, measured, {}))
        facts = {**profile(harness, keys), MACHINE: machine_facts(mode=sizes.mode, folder=harness.folder)}
    content = merged(out, results, facts)
    write_results(out, content)
    draw_figures(content, out)
    console.print(result_table(results, wide=console.width >= WIDE_COLUMNS))
    console.print(f"{out}, after {time.monotonic() - started_s:.0f} s", highlight=False)


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command; SIGTERM stops the servers cleanly, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, interrupt)
    options, console = parse(), Console()
    if options.command == "compare":
        compare(options.before, options.after, console=console)
    else:
        run(options, console)


if __name__ == "__main__":
    main()

"""The evaluation of results against their targets, and the table of results."""

from io import StringIO

import pytest
from rich.console import Console

from bench.harness.results import Measured, NotMeasured, Results
from bench.reporting.table import result_table
from bench.reporting.targets import TARGETS, Target, evaluate
from bench.suite import ALL_BENCHMARKS

AT_LEAST = Target("a rate", "≥", 0.8)
AT_MOST = Target("a time", "≤", 4)


@pytest.mark.parametrize(
    ("target", "runs", "evaluation"),
    [
        (AT_LEAST, [0.80, 0.81], "met"),
        (AT_LEAST, [0.60, 0.60], "missed by 25%"),
        (AT_MOST, [4.0], "met"),
        (AT_MOST, [5.0, 5.0], "missed by 25%"),
    ],
)
def test_the_evaluation_says_whether_the_target_is_met_and_by_how_much_it_is_missed(
    target: Target, runs: list[float], evaluation: str
) -> None:
    assert evaluate(target, Measured(runs, {})) == evaluation


def test_a_spread_over_a_fifth_is_marked_as_noisy() -> None:
    noisy = Measured([0.9, 1.0, 1.2], {})

    assert evaluate(AT_LEAST, noisy) == "met, noisy"


def test_a_result_that_could_not_be_measured_says_why() -> None:
    assert evaluate(AT_LEAST, NotMeasured("there is no GPU")) == "not available: there is no GPU"


def test_the_table_has_a_line_for_each_result_in_the_order_of_the_targets() -> None:
    console = Console(width=200, record=True, file=StringIO())
    results: Results = {"fsync_speed_ratio": Measured([0.95], {}), "cam_speed_ratio": NotMeasured("no graph")}

    console.print(result_table(results, wide=False))

    text = console.export_text()
    assert text.index("cam_speed_ratio") < text.index("fsync_speed_ratio")
    assert "no graph" in text


def test_every_target_has_a_benchmark_and_every_benchmark_a_target() -> None:
    assert sorted(key for keys in ALL_BENCHMARKS.values() for key in keys) == sorted(TARGETS)

"""What the table says of a finding."""

from io import StringIO

import pytest
from rich.console import Console

from bench.__main__ import ALL
from bench.harness.results import Measured, Missing
from bench.reporting.table import TARGETS, Target, draw_table, verdict

AT_LEAST = Target("a rate", "≥", 0.8)
AT_MOST = Target("a time", "≤", 4)


@pytest.mark.parametrize(
    ("target", "runs", "said"),
    [
        (AT_LEAST, [0.80, 0.81], "met"),
        (AT_LEAST, [0.60, 0.60], "missed by 25%"),
        (AT_MOST, [4.0], "met"),
        (AT_MOST, [5.0, 5.0], "missed by 25%"),
    ],
)
def test_a_verdict_says_whether_the_target_is_met_and_by_how_much_not(
    target: Target, runs: list[float], said: str
) -> None:
    assert verdict(target, Measured(runs, {})) == said


def test_a_spread_over_a_fifth_is_marked_and_not_hidden() -> None:
    noisy = Measured([0.9, 1.0, 1.2], {})

    assert verdict(AT_LEAST, noisy) == "met, noisy"


def test_what_could_not_be_measured_says_why() -> None:
    assert verdict(AT_LEAST, Missing("there is no GPU")) == "not available: there is no GPU"


def test_the_table_has_a_line_for_each_finding_in_the_order_of_the_targets() -> None:
    console = Console(width=200, record=True, file=StringIO())

    console.print(draw_table({"fsync_cost": Measured([0.95], {}), "cam_cost": Missing("no graph")}, wide=False))

    text = console.export_text()
    assert text.index("cam_cost") < text.index("fsync_cost")
    assert "no graph" in text


def test_every_target_is_measured_and_everything_measured_has_a_target() -> None:
    assert sorted(key for keys in ALL.values() for key in keys) == sorted(TARGETS)

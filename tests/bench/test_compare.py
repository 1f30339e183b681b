"""What moved between two results."""

from typing import Any

import pytest

from bench.reporting.compare import differences, moves

STEADY = {"value": 1.0, "spread": 0.05}


def result(value: float | None, spread: float | None = 0.05) -> dict[str, Any]:
    return {"value": value, "spread": spread}


@pytest.mark.parametrize(
    ("key", "after", "said"),
    [
        ("bulk_efficiency", result(1.2), "better"),
        ("bulk_efficiency", result(0.9), "worse"),
        ("archive_ratio", result(0.9), "better"),
        ("archive_ratio", result(1.2), "worse"),
        ("archive_ratio", result(1.04), "within the spread"),
        ("archive_ratio", result(1.2, 0.3), "within the spread"),
        ("archive_ratio", result(None, None), "not measured after"),
    ],
)
def test_a_move_is_judged_by_the_target_and_the_larger_spread(key: str, after: dict[str, Any], said: str) -> None:
    (move,) = moves({key: STEADY}, {key: after})

    assert move.verdict == said


def test_a_key_that_only_one_file_knows_is_shown_too() -> None:
    (move,) = moves({}, {"cam_cost": STEADY})

    assert (move.verdict, move.change) == ("not measured before", None)


def test_results_of_two_machines_are_told_apart() -> None:
    before, after = {"machine": {"cpu": "one", "cores": 2}}, {"machine": {"cpu": "other", "cores": 2}}

    assert differences(before, after) == ["cpu: one before, other after"]

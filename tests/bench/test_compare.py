"""The comparison of two results files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.reporting.compare import changes, differences
from core.settings import ROOT

STEADY = {"value": 1.0, "spread": 0.05}


def result(value: float | None, spread: float | None = 0.05) -> dict[str, Any]:
    return {"value": value, "spread": spread}


def run_compare(before: Path, after: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "bench", "compare", str(before), str(after))
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("key", "after", "evaluation"),
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
def test_a_change_is_evaluated_by_its_target_and_the_larger_spread(
    key: str, after: dict[str, Any], evaluation: str
) -> None:
    (change,) = changes({key: STEADY}, {key: after})

    assert change.evaluation == evaluation


def test_a_key_of_only_one_file_is_shown_too() -> None:
    (change,) = changes({}, {"cam_speed_ratio": STEADY})

    assert (change.evaluation, change.relative) == ("not measured before", None)


def test_the_facts_in_which_two_machines_differ_are_named() -> None:
    before, after = {"machine": {"cpu": "one", "cores": 2}}, {"machine": {"cpu": "other", "cores": 2}}

    assert differences(before, after) == ["cpu: one before, other after"]


def test_the_command_compares_two_files(tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    before.write_text(json.dumps({"fsync_speed_ratio": result(1.0), "machine": {"cores": 2}}))
    after.write_text(json.dumps({"fsync_speed_ratio": result(1.5), "machine": {"cores": 4}}))

    done = run_compare(before, after)

    assert done.returncode == 0, done.stderr
    assert "cores: 2 before, 4 after" in done.stdout
    assert "fsync_speed_ratio" in done.stdout
    assert "+50.0%" in done.stdout
    assert "better" in done.stdout


def test_the_command_says_which_file_it_cannot_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"

    done = run_compare(missing, missing)

    assert done.returncode == 1
    assert done.stderr.startswith(f"{missing} is not a results file")
    assert f"python -m bench --out {missing}" in done.stderr

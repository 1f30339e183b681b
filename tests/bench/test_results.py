"""Results, their file, and the command that measures them."""

import json
import subprocess
import sys
from pathlib import Path

from bench.harness.results import Measured, NotMeasured, merged, paired_ratio, write_results
from core.settings import ROOT


def test_a_paired_ratio_is_the_median_of_its_pairs_with_their_spread() -> None:
    measured, reference = iter([9.0, 2.0, 4.0, 3.0]), iter([9.0, 1.0, 1.0, 1.0])

    found = paired_ratio(lambda: next(measured), lambda: next(reference), pairs=3, names=("measured", "reference"))

    assert (found.value, found.spread) == (3.0, 2 / 3)
    assert found.detail == {"measured": 3.0, "reference": 1.0}


def test_a_single_run_has_no_spread() -> None:
    assert Measured([3.0], {}).spread is None


def test_the_results_file_keeps_keys_that_are_not_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    write_results(
        file, merged(file, {"cam_speed_ratio": Measured([1.0], {}), "int8_gain": NotMeasured("no graph")}, {})
    )

    write_results(file, merged(file, {"cam_speed_ratio": Measured([0.98, 0.99], {})}, {"machine": {"cores": 2}}))

    kept = json.loads(file.read_text())
    assert kept.keys() == {"cam_speed_ratio", "int8_gain", "machine"}
    assert kept["cam_speed_ratio"]["value"] == 0.985
    assert kept["int8_gain"] | {"at": ""} == {"value": None, "spread": None, "not_available": "no graph", "at": ""}


def test_the_command_measures_one_key_and_writes_it(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command = (sys.executable, "-m", "bench", "--quick", "--only", "cam_speed_ratio", "--out", str(out))

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(out.read_text())
    assert 0.2 < results["cam_speed_ratio"]["value"] < 5
    assert len(results["cam_speed_ratio"]["runs"]) == 2
    assert {"cpu", "cores", "versions", "commit", "date", "mode"} <= results["machine"].keys()


def test_the_command_refuses_an_unknown_key_and_lists_the_known_ones() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "bench", "--only", "speed"), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "--only got an unknown key: speed. The keys are cam_speed_ratio" in done.stderr

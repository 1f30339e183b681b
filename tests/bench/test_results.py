"""The results file, and the suite as a person runs it."""

import json
import subprocess
import sys
from pathlib import Path

from bench.harness.results import Measured, Missing, merged, paired, write_results
from core.settings import ROOT


def test_a_ratio_is_the_median_of_its_pairs_with_their_spread() -> None:
    ours, theirs = iter([9.0, 2.0, 4.0, 3.0]), iter([9.0, 1.0, 1.0, 1.0])

    found = paired(lambda: next(ours), lambda: next(theirs), pairs=3, names=("ours", "theirs"))

    assert (found.value, found.spread) == (3.0, 2 / 3)
    assert found.detail == {"ours": 3.0, "theirs": 1.0}


def test_a_single_run_has_no_spread() -> None:
    assert Measured([3.0], {}).spread is None


def test_a_file_keeps_the_keys_that_were_not_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    write_results(file, merged(file, {"cam_cost": Measured([1.0], {}), "int8_gain": Missing("no graph")}, {}))

    write_results(file, merged(file, {"cam_cost": Measured([0.98, 0.99], {})}, {"machine": {"cores": 2}}))

    kept = json.loads(file.read_text())
    assert kept.keys() == {"cam_cost", "int8_gain", "machine"}
    assert kept["cam_cost"]["value"] == 0.985
    assert kept["int8_gain"] | {"at": ""} == {"value": None, "spread": None, "not_available": "no graph", "at": ""}


def test_the_suite_measures_one_key_and_writes_it(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    command = (sys.executable, "-m", "bench", "--quick", "--only", "cam_cost", "--out", str(out))

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(out.read_text())
    assert 0.2 < results["cam_cost"]["value"] < 5
    assert len(results["cam_cost"]["runs"]) == 2
    assert {"cpu", "cores", "versions", "commit", "date", "mode"} <= results["machine"].keys()


def test_the_suite_refuses_a_key_that_does_not_exist() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "bench", "--only", "speed"), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "There is no key speed" in done.stderr

"""With `BATCHLIGHT_NO_SKIPS=1` nothing is skipped silently."""

import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import ROOT

SKIPS = {
    "a mark": "@pytest.mark.skipif(True, reason='no tool')\ndef test_it(): ...",
    "a call": "def test_it():\n    pytest.skip('no tool')",
    "a fixture": "@pytest.fixture\ndef tool():\n    pytest.skip('no tool')\n\ndef test_it(tool): ...",
    "a module": "pytest.skip('no tool', allow_module_level=True)",
}
EXPECTED_FAILURE = "@pytest.mark.xfail(strict=True)\ndef test_it():\n    raise AssertionError"


def run_pytest(folder: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs one test file in a process of its own, with the plugin and without this project's configuration."""
    (folder / "test_it.py").write_text(f"import pytest\n\n{source}\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "-ra", folder],
        cwd=ROOT,
        env={"PATH": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("way", SKIPS)
def test_a_skip_is_a_failure_with_its_reason_when_skips_are_forbidden(tmp_path: Path, way: str) -> None:
    done = run_pytest(tmp_path, SKIPS[way], BATCHLIGHT_NO_SKIPS="1")

    assert done.returncode != 0
    assert "BATCHLIGHT_NO_SKIPS is set" in done.stdout
    assert "no tool" in done.stdout


@pytest.mark.parametrize("flag", ["", "0"])
def test_a_skip_is_one_line_without_the_flag(tmp_path: Path, flag: str) -> None:
    done = run_pytest(tmp_path, SKIPS["a call"], BATCHLIGHT_NO_SKIPS=flag)

    assert done.returncode == 0
    assert done.stdout.count("no tool") == 1


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run_pytest(tmp_path, EXPECTED_FAILURE, BATCHLIGHT_NO_SKIPS="1").returncode == 0

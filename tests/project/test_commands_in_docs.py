"""The commands and programs of the tutorial and the how-to guides run as they stand.

A block with a title is for another terminal or another machine, and is not run. The others run in order, in a folder
that holds what the guides name: `photos/`, the samples and `.venv`.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import ROOT
from tests.stacks import RunningStack

GUIDES = [ROOT / "docs" / "tutorial.md", *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUNNABLE = [path for path in GUIDES if BLOCK.search(path.read_text())]


@pytest.fixture
def checkout(tmp_path: Path, samples: list[Path]) -> Path:
    """A folder that looks to the commands like the root of a checkout."""
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    (tmp_path / "photos").mkdir()
    for number, path in enumerate(samples[:3], start=1):
        shutil.copy(path, tmp_path / "photos" / f"{number}.png")
    return tmp_path


def as_shell(kind: str, block: str) -> str:
    return block if kind == "sh" else f".venv/bin/python - <<'PROGRAM'\n{block}PROGRAM\n"


@pytest.mark.parametrize("guide", RUNNABLE, ids=lambda path: path.stem)
def test_the_commands_of_a_guide_run_as_they_stand(guide: Path, checkout: Path, stack: RunningStack) -> None:
    script = "".join(as_shell(kind, block) for kind, block in BLOCK.findall(guide.read_text()))
    if "curl " in script and shutil.which("curl") is None:
        pytest.skip("needs curl: apt install curl")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "client"),
        "BATCHLIGHT_URL": stack.url,
        "BATCHLIGHT_KEY": stack.key,
    }

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_of_the_tutorial_leaves_the_files_it_names(tmp_path: Path) -> None:
    assert "make demo" in GUIDES[0].read_text()

    done = subprocess.run(
        [sys.executable, "-m", "ops", "demo", "--output", tmp_path],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": "client"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert {"results.zip", "contact-sheet.png"} <= {path.name for path in tmp_path.iterdir()}
    assert "300 correct" in done.stdout

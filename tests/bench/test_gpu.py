"""The GPU profile, run on the CPU in the place of a GPU, and its message on a machine without one."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.profiles.gpu import rates
from core.settings import ROOT
from model.engines.load import choose_engine, load_engine
from tests.model.samples import shipped


def cpu_busy_share() -> float:
    return psutil.cpu_percent() / 100


def test_the_profile_measures_the_engine_alone_and_in_a_worker(tmp_path: Path) -> None:
    engine = load_engine(shipped(), engine="keras", batch_size=8)

    found = rates(engine, shipped(), tmp_path, run_s=0.3, read_busy_share=cpu_busy_share)

    assert found["batch_size"] == 8
    assert found["engine_images_per_s"] > 0
    assert found["worker_images_per_s"] > 0
    assert 0 <= found["engine_busy_share"] <= 1


def test_without_a_gpu_the_profile_says_how_to_get_one(tmp_path: Path) -> None:
    if choose_engine() == "keras":
        pytest.skip("this machine has a GPU")
    out = tmp_path / "results.json"

    subprocess.run([sys.executable, "-m", "bench", "--quick", "--only", "gpu", "--out", out], cwd=ROOT, check=True)

    message = json.loads(out.read_text())["gpu"]["not_available"]
    assert message.startswith("TensorFlow sees no GPU.")
    assert "make bench-gpu" in message

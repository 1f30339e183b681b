"""`python -m ops up` as a person meets it: in a process of its own, ended by Ctrl-C."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from core.settings import ROOT
from ops.data_dir import hold

START_WAIT_S = 90.0
FLOWER_WAIT_S = 20.0


@contextmanager
def ops_up(data_dir: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command on free ports, until it says that it is ready."""
    command = [
        sys.executable,
        "-m",
        "ops",
        "up",
        "--port=0",
        "--flower-port=0",
        "--page-port=0",
        "--workers=1",
        f"--data-dir={data_dir}",
    ]
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        until_s = time.monotonic() + START_WAIT_S
        while "Ctrl-C" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until_s, log.read_text()
            time.sleep(0.1)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def workers_in_flower(address: str, password: str) -> int:
    """How many workers Flower shows; it learns of them by their heartbeats."""
    until_s, workers = time.monotonic() + FLOWER_WAIT_S, 0
    while workers < 2 and time.monotonic() < until_s:
        answer = httpx.get(f"{address}/workers?json=1", auth=("batchlight", password), timeout=FLOWER_WAIT_S)
        workers = len(answer.raise_for_status().json()["data"])
        time.sleep(0.2)
    return workers


def ops(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_the_stack_comes_up_says_where_it_is_and_goes_without_a_trace(tmp_path: Path) -> None:
    data_dir, log = tmp_path / "a data dir", tmp_path / "terminal.log"
    with ops_up(data_dir, log) as process:
        told = log.read_text()
        page, address, flower = re.findall(r"http://127\.0\.0\.1:\d+(?= \()", told)
        key = re.search(r"bl_\w{8}_\S{43}", told)
        password = re.search(r"password (\S+)\)", told)
        assert key
        assert password
        parts = psutil.Process(process.pid).children(recursive=True)

        models = httpx.get(f"{address}/v1/models", headers={"Authorization": f"Bearer {key[0]}"})
        stranger = httpx.get(f"{flower}/workers")
        first_sight = httpx.get(page)
        shown = workers_in_flower(flower, password[1])
        process.send_signal(signal.SIGINT)

        assert process.wait(30) == 0
        assert (models.status_code, stranger.status_code, shown) == (200, 401, 2)
        assert "<html" in first_sight.text
        assert data_dir.stat().st_mode & 0o777 == 0o700
        assert not psutil.wait_procs(parts, timeout=5)[1]


def test_a_taken_port_is_said_with_the_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        done = ops("up", f"--port={port}", f"--data-dir={tmp_path / 'data'}")

    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_stack_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with hold(tmp_path / "data"):
        done = ops("up", "--port=0", "--flower-port=0", f"--data-dir={tmp_path / 'data'}")

    assert done.returncode == 1
    assert "Another stack runs on" in done.stderr


def test_a_data_folder_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "something").touch()

    done = ops("up", "--port=0", "--flower-port=0", f"--data-dir={tmp_path / 'data'}")

    assert done.returncode == 1
    assert "chmod 700" in done.stderr

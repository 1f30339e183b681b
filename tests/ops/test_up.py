"""`python -m ops up` as a command in a process of its own, ended by Ctrl-C."""

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
from ops.data_dir import lock_data_dir

START_TIMEOUT_S = 90.0
FLOWER_TIMEOUT_S = 20.0


@contextmanager
def ops_up(data_dir: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command on free ports; the block starts when the stack is ready."""
    command = [
        sys.executable,
        "-m",
        "ops",
        "up",
        "--port=0",
        "--flower-port=0",
        "--ui-port=0",
        "--workers=1",
        f"--data-dir={data_dir}",
    ]
    with log.open("wb") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
        until_s = time.monotonic() + START_TIMEOUT_S
        while "Ctrl-C" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until_s, log.read_text()
            time.sleep(0.1)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


def workers_in_flower(address: str, password: str) -> int:
    """Return how many workers Flower shows, once it has seen the heartbeats of two."""
    until_s, workers = time.monotonic() + FLOWER_TIMEOUT_S, 0
    while workers < 2 and time.monotonic() < until_s:
        answer = httpx.get(f"{address}/workers?json=1", auth=("batchlight", password), timeout=FLOWER_TIMEOUT_S)
        workers = len(answer.raise_for_status().json()["data"])
        time.sleep(0.2)
    return workers


def ops(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_the_stack_starts_prints_its_addresses_and_stops_without_leaving_a_process(tmp_path: Path) -> None:
    data_dir, log = tmp_path / "a data dir", tmp_path / "terminal.log"
    with ops_up(data_dir, log) as process:
        printed = log.read_text()
        web_ui, address, flower = re.findall(r"http://127\.0\.0\.1:\d+(?= \()", printed)
        key = re.search(r"bl_\w{8}_\S{43}", printed)
        password = re.search(r"password (\S+)\)", printed)
        assert key
        assert password
        parts = psutil.Process(process.pid).children(recursive=True)

        models = httpx.get(f"{address}/v1/models", headers={"Authorization": f"Bearer {key[0]}"})
        without_password = httpx.get(f"{flower}/workers")
        ui_page = httpx.get(web_ui)
        workers = workers_in_flower(flower, password[1])
        process.send_signal(signal.SIGINT)

        assert process.wait(30) == 0
        assert (models.status_code, without_password.status_code, workers) == (200, 401, 2)
        assert "<html" in ui_page.text
        assert data_dir.stat().st_mode & 0o777 == 0o700
        assert not psutil.wait_procs(parts, timeout=5)[1]


def test_a_taken_port_is_refused_with_the_option_that_chooses_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        done = ops("up", f"--port={port}", f"--data-dir={tmp_path / 'data'}")

    assert done.returncode == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.stderr
    assert "--port 0 finds a free one" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    done = ops("up", "--host=no.such.host.invalid", f"--data-dir={tmp_path / 'data'}")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no.such.host.invalid is no address of this machine" in done.stderr


def test_a_second_stack_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with lock_data_dir(tmp_path / "data"):
        done = ops("up", "--port=0", "--flower-port=0", f"--data-dir={tmp_path / 'data'}")

    assert done.returncode == 1
    assert "Another stack runs on" in done.stderr


def test_a_data_folder_that_other_users_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "something").touch()

    done = ops("up", "--port=0", "--flower-port=0", f"--data-dir={tmp_path / 'data'}")

    assert done.returncode == 1
    assert "chmod 700" in done.stderr


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    done = ops("up", "--port=0", "--flower-port=0", f"--data-dir={tmp_path / 'data'}")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot be the data folder" in done.stderr
    assert "--data-dir" in done.stderr


def test_a_demo_without_samples_is_refused(tmp_path: Path) -> None:
    done = ops("demo", f"--samples={tmp_path}", f"--output={tmp_path / 'output'}")

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{tmp_path} has no labels.csv and no images" in done.stderr

"""An image's role, run without an engine: its folders alone, its packages alone, its environment alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

from ops.supervisor import die_with_parent, kill_group
from tests.deploy import images

WAIT_S = 60.0


@dataclass(frozen=True)
class Role:
    """One target laid out in a folder, beside the virtual environment that its image would have."""

    target: str
    folder: Path
    venv: Path
    settings: Mapping[str, str]

    def lay_out(self) -> None:
        images.lay_out(self.target, self.folder)

    def run(self, *command: str) -> str:
        """What a command that ends prints; fails if it does."""
        done = subprocess.run(
            self._on_this_machine(command),
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        local_command = self._on_this_machine(command)
        done = subprocess.run(local_command, cwd=self.folder, env=self._environment(), capture_output=True, check=False)
        return done.returncode == 0

    def start(self, *command: str) -> "Container":
        log, name = mkstemp(dir=self.folder.parent, suffix=f"-{self.target}.log")
        process = subprocess.Popen(
            self._on_this_machine(command),
            cwd=self.folder,
            env=self._environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # only a system call; nothing there takes a lock
        )
        os.close(log)
        return Container(process, Path(name))

    def _on_this_machine(self, command: Sequence[str]) -> list[str]:
        return [str(self.venv / "bin" / "python") if word == "python" else word for word in command]

    def _environment(self) -> dict[str, str]:
        path = f"{self.venv / 'bin'}:/usr/bin:/bin"
        return images.environment(self.target) | {"PATH": path, "HOME": str(self.folder.parent)} | dict(self.settings)


@dataclass(frozen=True)
class Container:
    process: "subprocess.Popen[bytes]"
    log: Path

    def becomes(self, ready: Callable[[], bool]) -> None:
        """Waits until it is; fails with the log if the process ends before or takes too long."""
        until = time.monotonic() + WAIT_S
        while not ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def stop(self, name: str, *, grace_s: float) -> int:
        """Sends the image's stop signal and returns the exit status, as `docker stop` would within the grace."""
        self.process.send_signal(signal.Signals[name])
        return self.process.wait(grace_s)

    def kill(self) -> None:
        kill_group(self.process)


def build_venv(packages: str, folder: Path) -> Path:
    """Runs the Dockerfile's own steps that make this stage's virtual environment."""
    venv = folder / "venv"
    images.lay_out(packages, folder)
    environment = os.environ | images.environment("installer")
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for stage in images.lineage(packages)[1:]:
        for line in images.shell_lines(stage, venv=venv):
            done = subprocess.run(
                ["sh", "-ec", line], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return venv

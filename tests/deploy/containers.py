"""An image's role run without Docker, with only its own folders, packages and environment."""

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

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Role:
    """A target of the Dockerfile: a folder with its files, and the virtual environment that its image has."""

    target: str
    folder: Path
    venv: Path
    settings: Mapping[str, str]

    def lay_out(self) -> None:
        """Copy the files of the target into the folder."""
        images.lay_out(self.target, self.folder)

    def run(self, *command: str) -> str:
        """Run a command to its end and return its output; assert that it succeeds."""
        done = subprocess.run(
            self._resolve(command),
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        """Run a command to its end and return whether it succeeds."""
        resolved = self._resolve(command)
        done = subprocess.run(resolved, cwd=self.folder, env=self._environment(), capture_output=True, check=False)
        return done.returncode == 0

    def start(self, *command: str) -> "Container":
        """Start a command that keeps running; its output goes into a log file."""
        log, name = mkstemp(dir=self.folder.parent, suffix=f"-{self.target}.log")
        process = subprocess.Popen(
            self._resolve(command),
            cwd=self.folder,
            env=self._environment(),
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=die_with_parent,  # noqa: PLW1509  # only a system call; nothing there takes a lock
        )
        os.close(log)
        return Container(process, Path(name))

    def _resolve(self, command: Sequence[str]) -> list[str]:
        return [str(self.venv / "bin" / "python") if word == "python" else word for word in command]

    def _environment(self) -> dict[str, str]:
        path = f"{self.venv / 'bin'}:/usr/bin:/bin"
        own = images.environment(self.target)
        own = {name: value.replace(images.WORKDIR, str(self.folder)) for name, value in own.items()}
        return own | {"PATH": path, "HOME": str(self.folder.parent)} | dict(self.settings)


@dataclass(frozen=True)
class Container:
    """A running command of a role."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready()`; fail with the log if the process ends before or takes too long."""
        until = time.monotonic() + TIMEOUT_S
        while not ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.1)

    def stop(self, name: str, *, grace_s: float) -> int:
        """Send the stop signal, as `docker stop` does, and return the exit status within the grace period."""
        self.process.send_signal(signal.Signals[name])
        return self.process.wait(grace_s)

    def kill(self) -> None:
        """Kill the process and its children."""
        kill_group(self.process)


def build_venv(packages: str, folder: Path) -> Path:
    """Run the Dockerfile's steps that build this stage's virtual environment, and return its folder."""
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

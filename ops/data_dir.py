"""The folder that holds all an embedded stack knows: database, stored images, Redis' files, logs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from core.settings import Settings
from ops.errors import DataDirRefused

OTHERS = 0o077


class StackSettings(Settings):
    """The server's settings, where what is not set is the embedded stack's own."""

    database_url: str = ""
    redis_url: SecretStr = SecretStr("")
    storage_dir: Path = Path()


def stack_settings(data_dir: Path) -> StackSettings:
    """The environment's settings; database and storage lie in the data folder unless they are set there."""
    chosen, home = StackSettings(), data_dir.resolve()
    own = {"database_url": f"sqlite:///{home / 'batchlight.db'}", "storage_dir": home / "storage"}
    return chosen.model_copy(update={name: own[name] for name in own.keys() - chosen.model_fields_set})


@contextmanager
def hold(data_dir: Path) -> Iterator[None]:
    """Makes the folder ours alone, among users and stacks, while the block runs; raises DataDirRefused."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(data_dir.iterdir()):
        data_dir.chmod(0o700)
    if data_dir.stat().st_mode & OTHERS:
        raise DataDirRefused(f"Other users can look into {data_dir}. Close it first: chmod 700 '{data_dir}'")
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataDirRefused(
                f"Another stack runs on {data_dir}. Stop it, or give this one its own folder with --data-dir."
            ) from None
        (data_dir / "logs").mkdir(exist_ok=True)
        yield

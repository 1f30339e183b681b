"""The data folder of an embedded stack: its database, stored images, the files of its Redis, and logs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr, ValidationError

from core.settings import Settings
from ops.errors import DataDirRefused, SettingsRefused

GROUP_AND_OTHERS = 0o077
"""The permission bits of every user but the owner."""


class StackSettings(Settings):
    """The server's settings, in which the servers of the embedded stack need no URL."""

    database_url: str = ""
    redis_url: SecretStr = SecretStr("")
    storage_dir: Path = Path()


def stack_settings(data_dir: Path) -> StackSettings:
    """Return the environment's settings; database and storage are in the data folder unless the environment sets them.

    Raises SettingsRefused.
    """
    try:
        chosen = StackSettings()
    except ValidationError as error:
        raise SettingsRefused(_refusal(error)) from None
    own = {"database_url": own_database_url(data_dir), "storage_dir": data_dir.resolve() / "storage"}
    return chosen.model_copy(update={name: own[name] for name in own.keys() - chosen.model_fields_set})


def own_database_url(data_dir: Path) -> str:
    """Return the URL of the database that a stack keeps in its data folder."""
    return f"sqlite:///{data_dir.resolve() / 'batchlight.db'}"


@contextmanager
def lock_data_dir(data_dir: Path) -> Iterator[None]:
    """Create the folder if needed, and keep other users and other stacks out while the block runs.

    Raises DataDirRefused.
    """
    _create(data_dir)
    if data_dir.stat().st_mode & GROUP_AND_OTHERS:
        raise DataDirRefused(f"Other users can read {data_dir}. Take their access away first: chmod 700 '{data_dir}'")
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataDirRefused(
                f"Another stack runs on {data_dir}. Stop it with Ctrl-C in its terminal, "
                "or choose another folder for this one with --data-dir."
            ) from None
        (data_dir / "logs").mkdir(exist_ok=True)
        yield


def _create(data_dir: Path) -> None:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not any(data_dir.iterdir()):
            data_dir.chmod(0o700)
    except OSError as error:
        raise DataDirRefused(
            f"{data_dir} cannot be the data folder: {error.strerror}. Choose a folder of yours with --data-dir."
        ) from None


def _refusal(error: ValidationError) -> str:
    lines = [
        f"BATCHLIGHT_{str(problem['loc'][0]).upper()}={problem['input']!s}: {problem['msg']}."
        for problem in error.errors()
        if problem["loc"]
    ]
    return "\n".join([*(lines or [str(error)]), "README.md lists every setting; unset the variable for its default."])

"""Shell commands for messages, written so that they run as printed in the terminal that shows them."""

import shlex
import sys
from pathlib import Path


def python_command(module: str, *arguments: str) -> str:
    """Return the command that runs this module with the Python of this process, quoted for a shell."""
    return shlex.join((program("python"), "-m", module, *arguments))


def keys_command(*arguments: str, data_dir: Path) -> str:
    """Return the command `python -m ops keys …` for the stack in this data folder."""
    return python_command("ops", "keys", *arguments, "--data-dir", str(data_dir))


def program(name: str) -> str:
    """Return the path of a program of this Python environment, relative to the working directory where possible."""
    path = Path(sys.executable).with_name(name)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

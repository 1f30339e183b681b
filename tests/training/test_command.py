"""The command line `python -m training COMMAND`."""

import re
import subprocess
import sys
from importlib import import_module

import pytest

from tests.model.samples import ROOT
from training.__main__ import COMMANDS

WITHOUT_LIBRARY = """
import runpy, sys
sys.modules[{library!r}] = None
sys.argv = ["python -m training", {command!r}, "--help"]
runpy.run_module("training", run_name="__main__")
"""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_lists_every_command() -> None:
    done = run("-m", "training", "--help")

    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in COMMANDS)


def test_an_unknown_command_is_refused_with_the_list_of_commands() -> None:
    done = run("-m", "training", "tain")

    assert done.returncode == 1
    assert done.stderr == f"there is no command 'tain'; choose one of {', '.join(COMMANDS)}\n"


@pytest.mark.parametrize(
    ("command", "library"),
    [
        ("pipeline", "keras"),
        ("explore", "sklearn"),
        ("train", "keras"),
        ("export", "keras"),
        ("promote", "numpy"),
        ("evaluate", "scipy"),
        ("explain", "keras"),
        ("report", "matplotlib"),
        ("package", "numpy"),
    ],
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(command: str, library: str) -> None:
    done = run("-c", WITHOUT_LIBRARY.format(library=library, command=command))

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"python -m training {command} needs {library}, which is not installed; run: make training-env\n"
    )


def documented() -> list[str]:
    """The command lines of `python -m training` in the documentation."""
    texts = ((ROOT / "docs" / name).read_text("utf-8") for name in ("training.md", "models.md"))
    return [line for text in texts for line in re.findall(r"python -m training ([a-z][^`\n#]*)", text)]


@pytest.mark.parametrize("line", sorted(set(documented())))
def test_a_documented_command_and_its_options_exist(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *arguments = line.split()

    with pytest.raises(SystemExit) as stopped:
        import_module(COMMANDS[command][0]).main(["--help"])

    options = {argument for argument in arguments if argument.startswith("--")}
    assert stopped.value.code == 0
    assert options <= set(re.findall(r"--[a-z0-9-]+", capsys.readouterr().out))

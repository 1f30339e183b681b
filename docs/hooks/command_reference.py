"""The reference of the commands, made from their `--help`."""

import re

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from batchlight.command import app as client
from ops.__main__ import app as server

COMMANDS = {"batchlight": client, "python -m ops": server}
EXIT_CODE = re.compile(r"^ *\[bold\] *(\d+)\[/\] +(.*)$", re.MULTILINE)


def command_reference() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_described(name, app) for name, app in COMMANDS.items())


def _described(name: str, app: typer.Typer) -> str:
    command = get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command, info_name=name), name=name)
    text = EXIT_CODE.sub(r"* `\1`: \2", text).replace("Exit codes\n", "**Exit codes**:\n\n")
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)

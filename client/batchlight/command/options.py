"""The options that every command takes, before the command's name or after it."""

from typing import Annotated

import typer
from typer.core import TyperGroup

DEFAULT_URL = "http://127.0.0.1:8000"

SERVER_PANEL = "Server and output"

Url = Annotated[
    str,
    typer.Option("--url", help="Address of the server; also BATCHLIGHT_URL.", rich_help_panel=SERVER_PANEL),
]
Key = Annotated[
    str,
    typer.Option(
        "--key", help="Your API key; better in BATCHLIGHT_KEY.", rich_help_panel=SERVER_PANEL, show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.", rich_help_panel=SERVER_PANEL)]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id, as `submit` and `jobs` show it.")]


def remember(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="BATCHLIGHT_URL", help="Address of the server.")] = DEFAULT_URL,
    key: Annotated[
        str,
        typer.Option(
            envvar="BATCHLIGHT_KEY", help="Your API key. On the server: python -m ops keys create", show_default=False
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
) -> None:
    """Make what stands before the command, or in the environment, the default of the same option after it."""
    given = {"url": url, "key": key, "as_json": as_json}
    if isinstance(context.command, TyperGroup):
        context.default_map = dict.fromkeys(context.command.list_commands(context), given)

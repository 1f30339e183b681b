"""The options that every command takes, before the command's name or after it."""

from importlib.metadata import PackageNotFoundError, version
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
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait until the job has ended.")]
ModelOption = Annotated[str | None, typer.Option("--model", help="name, name/version or name/version/precision.")]
TopK = Annotated[int | None, typer.Option("--top-k", min=1, help="Number of classes to list for each image.")]


def _print_version(requested: bool) -> None:
    if requested:
        try:
            installed = version("batchlight")
        except PackageNotFoundError:
            installed = "(not installed: running from a checkout)"
        typer.echo(f"batchlight {installed}")
        raise typer.Exit


def set_defaults(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="BATCHLIGHT_URL", help="Address of the server.")] = DEFAULT_URL,
    key: Annotated[
        str,
        typer.Option(
            envvar="BATCHLIGHT_KEY",
            help='Your API key. Create one on the server: .venv/bin/python -m ops keys create --owner "$USER"',
            show_default=False,
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Make options before the command's name, or in the environment, the defaults of the same options after it."""
    defaults = {"url": url, "key": key, "as_json": as_json}
    if isinstance(context.command, TyperGroup):
        context.default_map = dict.fromkeys(context.command.list_commands(context), defaults)

"""The command `batchlight`: its help, and the list of its commands."""

import typer

from batchlight.command import jobs, predict, results
from batchlight.command.exits import MEANINGS
from batchlight.command.options import set_defaults

app = typer.Typer(
    name="batchlight",
    help="Classify images in bulk, see why, download the results.",
    epilog="\n".join(["Exit codes", *(f"  [bold]{code:>3d}[/]  {text}" for code, text in MEANINGS.items())]),
    callback=set_defaults,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command in (
    jobs.submit,
    predict.predict,
    jobs.jobs,
    jobs.status,
    jobs.cancel,
    jobs.retry,
    jobs.delete,
    results.items,
    results.download,
    results.models,
):
    app.command()(command)

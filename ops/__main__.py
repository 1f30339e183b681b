"""The command `python -m ops`."""

import signal
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from core.errors import BatchlightError
from ops import keys
from ops.errors import OpsError
from ops.ports import LOOPBACK
from ops.stack import running_stack
from ops.up import keep_running
from ops.web_ui import ui_is_installed

MAX_PORT = 65_535

app = typer.Typer(help="Run Batchlight on this machine.", no_args_is_help=True, add_completion=False)
app.add_typer(keys.app, name="keys")

console = Console()


@app.command()
def up(
    data_dir: Annotated[Path, typer.Option(help="Folder of the database, images and logs.")] = Path("var"),
    host: Annotated[str, typer.Option(help="Address that the API listens on.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=MAX_PORT, help="Port of the API; 0 finds a free one.")] = 8000,
    ui_port: Annotated[
        int, typer.Option(min=0, max=MAX_PORT, help="Port of the web UI, on loopback; 0 finds a free one.")
    ] = 8501,
    flower_port: Annotated[
        int, typer.Option(min=0, max=MAX_PORT, help="Port of Flower, on loopback; 0 finds a free one.")
    ] = 5555,
    workers: Annotated[int | None, typer.Option(min=1, help="Bulk worker processes; one per core if not set.")] = None,
) -> None:
    """Run the whole stack in this terminal until Ctrl-C."""
    try:
        with running_stack(
            data_dir,
            report=report,
            host=host,
            port=port,
            flower_port=flower_port,
            ui_port=ui_port if ui_is_installed() else None,
            workers=workers,
        ) as (stack, supervisor):
            keep_running(stack, supervisor, data_dir=data_dir, console=console)
    except KeyboardInterrupt:
        console.print("Stopped.", style="dim")


@app.command()
def demo(
    samples: Annotated[Path, typer.Option(help="Folder with images/ and labels.csv.")] = Path("samples/fashion-mnist"),
    output: Annotated[Path, typer.Option(help="Folder that the archive and the contact sheet are written to.")] = Path(
        "demo-output"
    ),
) -> None:
    """Classify the sample images through the whole stack, show the results, and stop everything again."""
    from ops.demo.run import run_demo  # the admin image, which creates keys, has neither Pillow nor the client

    run_demo(samples, output=output, console=console, report=report)


def report(line: str) -> None:
    """Print a line about the stack's processes, with the time of day."""
    console.print(f"{time.strftime('%H:%M:%S')}  {line}", style="dim", markup=False, highlight=False, soft_wrap=True)


def interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line. SIGTERM and SIGHUP end every command as Ctrl-C does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        app()
    except (OpsError, BatchlightError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()

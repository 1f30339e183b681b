"""`python -m ops up`: the whole stack in this terminal until Ctrl-C."""

import time
from pathlib import Path

from rich.console import Console

from ops.stack import Stack, create_stack_key
from ops.supervisor import Supervisor

WATCH_EVERY_S = 0.2
NO_PAGE = "not started, since Streamlit is not installed here: `make up` installs it"


def keep_running(stack: Stack, supervisor: Supervisor, *, data_dir: Path, console: Console) -> None:
    """Says where everything is and keeps it running; ends only by KeyboardInterrupt."""
    _introduce(stack, data_dir=data_dir, key=create_stack_key(stack, name="ops up"), console=console)
    while True:
        supervisor.watch()
        time.sleep(WATCH_EVERY_S)


def _introduce(stack: Stack, *, data_dir: Path, key: str, console: Console) -> None:
    lines = {
        "Page": f"{stack.page_address} (sign in with the key)" if stack.page_address else NO_PAGE,
        "API": f"{stack.address} (reference at {stack.address}/docs)",
        "Flower": f"{stack.flower_address} (user batchlight, password {stack.flower_password})",
        "Key": f"{key} (a new one, shown only now)",
        "Data": f"{data_dir.resolve()} (logs in logs/)",
    }
    console.print("\n[bold green]Batchlight is ready.[/] Ctrl-C stops it.\n")
    for name, line in lines.items():
        console.print(f"  {name:<7} {line}", soft_wrap=True, markup=False, highlight=False)
    console.print("\nTry it in another terminal:\n")
    for line in (
        f"  export BATCHLIGHT_URL={stack.address} BATCHLIGHT_KEY={key}",
        "  .venv/bin/batchlight submit samples/fashion-mnist/images --wait\n",
    ):
        console.print(line, soft_wrap=True, markup=False, highlight=False)

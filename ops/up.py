"""`python -m ops up`: the whole stack in this terminal until Ctrl-C."""

import time
from pathlib import Path

from rich.console import Console

from ops.shell import program
from ops.stack import Stack, create_stack_key
from ops.supervisor import Supervisor

WATCH_INTERVAL_S = 0.2
UI_NOT_INSTALLED = "not started, because Streamlit is not installed here; `make up` installs and starts it"


def keep_running(stack: Stack, supervisor: Supervisor, *, data_dir: Path, console: Console) -> None:
    """Print the addresses and a key, and restart what dies; ends only by KeyboardInterrupt."""
    _introduce(stack, data_dir=data_dir, key=create_stack_key(stack, name="ops up"), console=console)
    while True:
        supervisor.watch()
        time.sleep(WATCH_INTERVAL_S)


def _introduce(stack: Stack, *, data_dir: Path, key: str, console: Console) -> None:
    lines = {
        "Web UI": f"{stack.ui_address} (sign in with the key)" if stack.ui_address else UI_NOT_INSTALLED,
        "API": f"{stack.address} (reference at {stack.address}/docs)",
        "Flower": f"{stack.flower_address} (user batchlight, password {stack.flower_password})",
        "Key": f"{key} (shown only now; it replaces the key of the previous `ops up`)",
        "Data": f"{data_dir.resolve()} (logs in logs/)",
    }
    console.print("\n[bold green]Batchlight is ready.[/] Ctrl-C stops it.\n")
    for name, line in lines.items():
        console.print(f"  {name:<7} {line}", soft_wrap=True, markup=False, highlight=False)
    console.print("\nTry it in another terminal:\n")
    for line in (
        f"  export BATCHLIGHT_URL={stack.address} BATCHLIGHT_KEY={key}",
        f"  {program('batchlight')} submit samples/fashion-mnist/images --wait\n",
    ):
        console.print(line, soft_wrap=True, markup=False, highlight=False)

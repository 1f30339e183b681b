"""The web UI as a process of the stack."""

import importlib.util
import sys

import httpx

from ops.ports import LOOPBACK
from ops.supervisor import Program


def ui_is_installed() -> bool:
    """Return whether Streamlit is installed: the web UI needs it, the demo does not."""
    return importlib.util.find_spec("streamlit") is not None


def ui_program(api_url: str, *, port: int) -> Program:
    """Return the web UI for the API at this URL, listening on a port of loopback."""
    command = (sys.executable, "-m", "streamlit", "run", "frontend/app.py", f"--server.port={port}")
    return Program("web-ui", (*command, f"--server.address={LOOPBACK}"), {"BATCHLIGHT_URL": api_url})


def ui_is_ready(address: str) -> bool:
    """Return whether the web UI answers at this address."""
    try:
        return httpx.get(f"{address}/_stcore/health", timeout=2).is_success
    except httpx.TransportError:
        return False

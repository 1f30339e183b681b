"""The page as a process of the stack."""

import importlib.util
import sys

import httpx

from ops.ports import LOOPBACK
from ops.supervisor import Program


def page_is_installed() -> bool:
    """The page takes Streamlit, which the demo does without."""
    return importlib.util.find_spec("streamlit") is not None


def page_program(api_url: str, *, port: int) -> Program:
    """The page on a port of loopback, in front of the API at this address."""
    command = (sys.executable, "-m", "streamlit", "run", "frontend/app.py", f"--server.port={port}")
    return Program("page", (*command, f"--server.address={LOOPBACK}"), {"BATCHLIGHT_URL": api_url})


def page_is_ready(address: str) -> bool:
    """Whether the page answers there."""
    try:
        return httpx.get(f"{address}/_stcore/health", timeout=2).is_success
    except httpx.TransportError:
        return False

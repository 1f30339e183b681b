"""The command line of Batchlight: `batchlight`, or `python -m batchlight`."""

from batchlight.command.app import app

__all__ = ["app"]

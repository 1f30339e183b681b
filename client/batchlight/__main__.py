"""`python -m batchlight`: the command line."""

from batchlight.command import app

app(prog_name="batchlight")

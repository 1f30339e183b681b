"""Loops that find lost work, notify workers again and delete what has expired: `python -m maintenance`."""

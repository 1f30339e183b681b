"""Loops that find lost work, notify workers again and delete what has expired: `python -m maintenance`.

Any number of these processes may run: each step is one guarded statement or transaction.
"""

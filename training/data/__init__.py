"""Data sets: reading, splitting, exploring."""

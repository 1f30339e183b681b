"""Data sets: reading, splitting and exploring labeled images."""

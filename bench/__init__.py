"""Measures Batchlight against the model's own speed and against the usual ways: `python -m bench`."""

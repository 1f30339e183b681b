"""Metrics of a model on labeled images."""

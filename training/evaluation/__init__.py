"""Evaluation of a model version on labeled images: metrics, calibration, robustness, cost."""

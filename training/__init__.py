"""The training pipeline: data, fit, evaluation, explanation, publication and report of a model version."""

"""Fitting a classifier: augmentation, input pipeline, stages, consistency regularization, checkpoints."""

"""Engines that run a model version: one interface, ONNX Runtime and Keras."""

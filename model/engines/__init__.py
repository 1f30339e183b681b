"""Engines that run a model version: one interface, implemented on ONNX Runtime and on Keras."""

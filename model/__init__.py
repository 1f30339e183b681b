"""The model: artifacts on disk, image decoding, network, serving head, explanations and engines."""

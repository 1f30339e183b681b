"""The network: artifacts on disk, image decoding, architecture, serving head, CAM formulas, engines."""

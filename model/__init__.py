"""The network: artefacts on disk, image decoding, architecture, serving head, CAM formulas, engines."""

"""From a training run to a published model version: export, quantize, package, promote."""

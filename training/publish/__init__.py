"""Publication of a model version: export, int8 quantization, packaging, promotion."""

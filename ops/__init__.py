"""Operating Batchlight: the whole stack in one terminal, the demo, and API keys."""

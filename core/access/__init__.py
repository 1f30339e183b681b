"""API keys: who may call the API, and for which owner."""

"""The views: what the web UI shows as a whole."""

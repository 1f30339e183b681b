"""The address of the API. No other module of the web UI reads the environment."""

import os

DEFAULT_URL = "http://127.0.0.1:8000"


def api_url() -> str:
    """The API's address as the web UI's server reaches it; the browser never connects to it."""
    return os.environ.get("BATCHLIGHT_URL", DEFAULT_URL)

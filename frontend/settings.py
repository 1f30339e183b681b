"""Where the API is: the one place of the page that reads the environment."""

import os

DEFAULT_URL = "http://127.0.0.1:8000"


def api_url() -> str:
    """The API's address, as this server reaches it; the browser never talks to it."""
    return os.environ.get("BATCHLIGHT_URL", DEFAULT_URL)

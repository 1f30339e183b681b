"""The ASGI application of the web UI: Streamlit, a route for archive downloads, and the last error handler.

Start it from the root of the repository: `python -m streamlit run frontend/app.py`.
"""

from pathlib import Path

import streamlit as st
from starlette.routing import Route

from frontend.errors import show_error
from frontend.parts.archives import PATH, delete_archives_at_shutdown, serve_archive


def on_script_error(error: Exception) -> bool:
    """Show a message for an error that no view handled; Streamlit logs its traceback."""
    show_error(error)
    return True


app = st.App(
    Path(__file__).with_name("script.py"),
    lifespan=delete_archives_at_shutdown,
    routes=[Route(f"/{PATH}/{{ticket}}", serve_archive, methods=["GET", "HEAD"])],
    on_script_error=on_script_error,
)

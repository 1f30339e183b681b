"""The page as an application: Streamlit, the archives it hands out, and one handler for what nobody caught.

`python -m streamlit run frontend/app.py` from the root of the repository.
"""

from pathlib import Path

import streamlit as st
from starlette.routing import Route

from frontend.errors import say
from frontend.parts.archives import PATH, archives_until_shutdown, serve_archive


def on_script_error(error: Exception) -> bool:
    """The one edge for what nobody foresaw, wherever the script raised it: words here, the traceback in the log."""
    say(error)
    return True


app = st.App(
    Path(__file__).with_name("script.py"),
    lifespan=archives_until_shutdown,
    routes=[Route(f"/{PATH}/{{ticket}}", serve_archive, methods=["GET", "HEAD"])],
    on_script_error=on_script_error,
)

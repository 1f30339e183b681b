"""The script that Streamlit runs from top to bottom at every interaction of every tab."""

from pathlib import Path

import streamlit as st

from frontend import session
from frontend.errors import shown_errors
from frontend.views.classify import draw_classify
from frontend.views.header import CLASSIFY, JOBS, LOGO, draw_header
from frontend.views.job import draw_job
from frontend.views.jobs import draw_jobs
from frontend.views.sign_in import draw_sign_in

STYLE = Path(__file__).with_name("style.css")
JOB = "Job"
VIEWS = {CLASSIFY: draw_classify, JOBS: draw_jobs, JOB: draw_job}


def draw() -> None:
    st.set_page_config(page_icon=str(LOGO), layout="centered")
    st.html(STYLE)
    if session.current() is None:
        draw_sign_in()
        return
    st.empty()
    chosen = draw_header()
    if chosen == JOBS and session.opened_job():
        chosen = JOB
    _draw_only(chosen)


def _draw_only(chosen: str) -> None:
    """Draw this view at its own place and empty the places of the others.

    Streamlit lets a container inherit the elements of the container that was drawn at the same place before. Without
    a place for each view, the previous view stays visible inside the next one until that is complete.
    """
    for name, draw_view in VIEWS.items():
        if name == chosen:
            with st.container(), shown_errors():
                draw_view()
        else:
            st.empty()


draw()

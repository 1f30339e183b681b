"""One run of the page: the script that Streamlit executes at every interaction of every tab."""

from pathlib import Path

import streamlit as st

from frontend import session
from frontend.errors import said
from frontend.views.classify import draw_classify
from frontend.views.header import CLASSIFY, draw_header
from frontend.views.job import draw_job
from frontend.views.jobs import draw_jobs
from frontend.views.sign_in import draw_door

HERE = Path(__file__).parent


def draw() -> None:
    st.set_page_config(page_title="Batchlight", page_icon=str(HERE / "mark.svg"), layout="centered")
    st.html(HERE / "page.css")
    if session.current() is None:
        draw_door()
        return
    view = draw_header()
    with said():
        if view == CLASSIFY:
            draw_classify()
        elif job_id := session.opened_job():
            draw_job(job_id)
        else:
            draw_jobs()


draw()

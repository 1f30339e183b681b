"""One run of the page: the script that Streamlit executes at every interaction of every tab."""

from pathlib import Path

import streamlit as st

from frontend import session
from frontend.classify import draw_classify
from frontend.door import draw_door
from frontend.errors import said
from frontend.header import CLASSIFY, draw_header
from frontend.job import draw_job
from frontend.jobs import draw_jobs

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

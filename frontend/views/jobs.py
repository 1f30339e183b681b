"""The jobs view: the jobs of the key's owner, newest first."""

from datetime import UTC, datetime

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import shown_errors
from frontend.messages import image_count, job_title, state_badge, tab_title, time_ago
from frontend.parts.markup import empty_state, heading, row_title

JOBS_A_STEP = 12
REFRESH_INTERVAL_S = 3.0
LIMIT = "jobs-limit"
"""How many jobs this tab lists; “Show more” raises it."""


def draw_jobs() -> None:
    st.set_page_config(page_title=tab_title("Jobs"))
    _draw_list()


@st.fragment(run_every=REFRESH_INTERVAL_S)
def _draw_list() -> None:
    with shown_errors(polls=True):
        st.html(heading("Jobs"))
        page = session.client().jobs_page(limit=st.session_state.setdefault(LIMIT, JOBS_A_STEP))
        if not page.data:
            st.html(
                empty_state("No jobs yet", "Drop several images or a ZIP under “Classify”; the job then appears here.")
            )
        for job in page.data:
            _draw_row(job)
        if page.next:
            st.button("Show more", key="show-more-jobs", on_click=_show_more)


def _draw_row(job: Job) -> None:
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center", key=f"job-{job.id}"):
        state, color = state_badge(job)
        with st.container(gap=None):
            st.html(row_title(job_title(job)))
            st.caption(f"{image_count(job.counts.total)} · {time_ago(job.created_at, now=datetime.now(UTC))}")
        st.badge(state, color=color)
        if st.button("Open", key=f"open-{job.id}"):
            session.open_job(job.id)
            st.rerun(scope="app")  # a click inside a fragment reruns the fragment only


def _show_more() -> None:
    st.session_state[LIMIT] += JOBS_A_STEP

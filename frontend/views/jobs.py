"""The jobs of this key's owner, newest first."""

from datetime import UTC, datetime

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import said
from frontend.messages import ago, images, state_of, title_of
from frontend.parts.cards import lead, nothing, row_title

SHOWN = 12
REFRESH_S = 3.0


@st.fragment(run_every=REFRESH_S)
def draw_jobs() -> None:
    with said(polls=True):
        st.html(lead("Jobs"))
        found = session.client().jobs_page(limit=st.session_state.setdefault("jobs-shown", SHOWN))
        if not found.data:
            st.html(
                nothing("No jobs yet", "Drop many images or a ZIP under “Classify”; the job appears here and stays.")
            )
        for job in found.data:
            _draw_row(job)
        if found.next:
            st.button("Show more", key="more-jobs", on_click=_show_more)


def _draw_row(job: Job) -> None:
    with st.container(border=True, horizontal=True, wrap=False, vertical_alignment="center", key=f"job-{job.id}"):
        words, color = state_of(job)
        with st.container(gap=None):
            st.html(row_title(title_of(job)))
            st.caption(f"{images(job.counts.total)} · {ago(job.created_at, now=datetime.now(UTC))}")
        st.badge(words, color=color)
        if st.button("Open", key=f"open-{job.id}"):
            session.open_job(job.id)
            st.rerun(scope="app")  # a click inside a fragment reruns the fragment only


def _show_more() -> None:
    st.session_state["jobs-shown"] += SHOWN

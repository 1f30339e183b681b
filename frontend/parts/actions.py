"""What a person can do to a job: stop what is left of it, or have its failed images tried again."""

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import WayOn, said
from frontend.parts.archive_button import ARCHIVE


def draw_stop_button(job: Job) -> None:
    if job.cancel_requested_at is not None:
        st.caption("Stopping: what is being classified right now is finished first.")
    elif st.button("Stop", icon=":material/stop_circle:", help="What is done stays; the rest is not classified."):
        with said(way_on=WayOn.BY_HAND):
            session.client().cancel(job.id)
            st.rerun()


def draw_retry_button(job: Job) -> None:
    if not job.counts.failed:
        return
    words = "Try the failed one again" if job.counts.failed == 1 else f"Try the {job.counts.failed:,} failed again"
    if st.button(words, icon=":material/replay:", help="What succeeded stays as it is."):
        with said(way_on=WayOn.BY_HAND):
            session.client().retry(job.id)
            st.session_state.pop(ARCHIVE, None)
            st.rerun()

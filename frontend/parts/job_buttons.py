"""The buttons that change a job: stop it, or retry its failed images."""

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import Recovery, shown_errors
from frontend.parts.archive_button import ARCHIVE


def draw_stop_button(job: Job) -> None:
    if job.cancel_requested_at is not None:
        st.caption("Stopping. The images that are being classified right now are finished first.")
    elif st.button(
        "Stop", icon=":material/stop_circle:", help="Finished images keep their results; the others are not classified."
    ):
        with shown_errors(recovery=Recovery.MANUAL):
            session.client().cancel(job.id)
            st.rerun()


def draw_retry_button(job: Job) -> None:
    failed = job.counts.failed
    if not failed:
        return
    label = "Retry the failed image" if failed == 1 else f"Retry the {failed:,} failed images"
    if st.button(label, icon=":material/replay:", help="Images that succeeded keep their results."):
        with shown_errors(recovery=Recovery.MANUAL):
            session.client().retry(job.id)
            st.session_state.pop(ARCHIVE, None)
            st.rerun()

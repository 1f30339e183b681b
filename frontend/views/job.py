"""The job view: a job's progress while it runs, its results when it has ended."""

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import shown_errors
from frontend.messages import image_count, job_duration, job_title, skipped_files, state_badge, tab_title
from frontend.parts.archive_button import draw_archive_button
from frontend.parts.job_buttons import draw_retry_button, draw_stop_button
from frontend.parts.markup import counters, details, job_heading
from frontend.views.results import draw_results

POLL_INTERVAL_S = 1.0


def draw_job() -> None:
    """Draw the job that the address names."""
    st.button("All jobs", icon=":material/arrow_back:", type="tertiary", on_click=session.close_job)
    job = session.client().job(session.opened_job() or "")
    st.set_page_config(page_title=tab_title(job_title(job)))
    if job.ended:
        st.empty()  # removes the progress at once, while the results are still being fetched
        _draw_ended(job)
    else:
        _draw_progress(job.id)


@st.fragment(run_every=POLL_INTERVAL_S)
def _draw_progress(job_id: str) -> None:
    """Poll the job, also over restarts of the server; rerun the script when the job has ended."""
    with shown_errors(polls=True):
        job = session.client().job(job_id)
        if job.ended:
            st.rerun()
        _draw_title(job)
        counts = job.counts
        st.progress(counts.ended / counts.total, text=f"{counts.ended:,} of {image_count(counts.total)}")
        _draw_counts(job)
        draw_stop_button(job)
        st.caption("You can close this tab: the job continues, and you find it under “Jobs”.")


def _draw_ended(job: Job) -> None:
    _draw_title(job)
    _draw_counts(job)
    if job.purged_at:
        st.info(
            f"The results were deleted on {job.purged_at:%d %B %Y}, when the retention of this job ended. Send the "
            "images again to classify them again.",
            icon=":material/auto_delete:",
        )
        return
    with st.container(horizontal=True):
        draw_archive_button(job)
        draw_retry_button(job)
    draw_results(job)
    st.html(
        details(
            {
                "Job": job.id,
                "Model": f"{job.model.name} {job.model.version}, {job.model.precision}",
                "Duration": job_duration(job),
                "Kept": f"until {job.expires_at:%d %B %Y}" if job.expires_at else "until it is deleted",
            }
        )
    )


def _draw_title(job: Job) -> None:
    state, color = state_badge(job)
    with st.container(horizontal=True, vertical_alignment="center", key="job-title"):
        st.html(job_heading(job_title(job)), width="content")
        st.badge(state, color=color)


def _draw_counts(job: Job) -> None:
    counts = job.counts
    shown = {"Images": counts.total, "Classified": counts.succeeded, "Failed": counts.failed}
    if not job.ended:
        shown["Waiting"] = counts.queued + counts.running
    if counts.cancelled:
        shown["Cancelled"] = counts.cancelled
    st.html(counters(shown))
    if skipped := skipped_files(job):
        st.caption(skipped)

"""One job: its progress while it runs, then what came of it."""

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import said
from frontend.messages import duration, images, state_of, title_of
from frontend.parts.actions import draw_retry_button, draw_stop_button
from frontend.parts.archive_button import draw_archive_button
from frontend.parts.cards import facts, tally, title
from frontend.views.results import draw_results

POLL_S = 1.0


def draw_job(job_id: str) -> None:
    st.button("All jobs", icon=":material/arrow_back:", type="tertiary", on_click=session.close_job)
    job = session.client().job(job_id)
    if job.ended:
        _draw_ended(job)
    else:
        _follow(job_id)


@st.fragment(run_every=POLL_S)
def _follow(job_id: str) -> None:
    """Polls until the job has ended, over restarts of the server; then the whole page is drawn anew."""
    with said(polls=True):
        job = session.client().job(job_id)
        if job.ended:
            st.rerun()
        _draw_title(job)
        counts = job.counts
        st.progress(counts.ended / counts.total, text=f"{counts.ended:,} of {images(counts.total)}")
        _draw_counts(job)
        draw_stop_button(job)
        st.caption("You can close this tab: the job goes on, and you find it under “Jobs”.")


def _draw_ended(job: Job) -> None:
    _draw_title(job)
    _draw_counts(job)
    if job.purged_at:
        st.info("The results of this job have been deleted: its time was over.", icon=":material/auto_delete:")
        return
    with st.container(horizontal=True):
        draw_archive_button(job)
        draw_retry_button(job)
    draw_results(job)
    st.html(
        facts(
            {
                "Job": job.id,
                "Model": f"{job.model.name} {job.model.version}, {job.model.precision}",
                "Took": duration(job),
                "Kept until": f"{job.expires_at:%d %B %Y}" if job.expires_at else "for good",
            }
        )
    )


def _draw_title(job: Job) -> None:
    words, color = state_of(job)
    with st.container(horizontal=True, vertical_alignment="center", key="job-title"):
        st.html(title(title_of(job)), width="content")
        st.badge(words, color=color)


def _draw_counts(job: Job) -> None:
    counts = job.counts
    shown = {"Images": counts.total, "Classified": counts.succeeded, "Failed": counts.failed}
    if not job.ended:
        shown["Waiting"] = counts.queued + counts.running
    if counts.cancelled:
        shown["Cancelled"] = counts.cancelled
    st.html(tally(shown))
    if job.skipped_total:
        names = ", ".join(f"{skipped.name} ({skipped.reason})" for skipped in job.skipped[:3])
        st.caption(f"Left out, since they are no images: {job.skipped_total:,}, for example {names}.")

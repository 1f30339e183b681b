"""The classify view: one image is predicted immediately; several images or a ZIP become a job."""

from collections.abc import Sequence

import streamlit as st
from streamlit.typing import UploadedFile

from batchlight import Explain
from frontend import session
from frontend.errors import Recovery, shown_errors
from frontend.messages import file_size, image_count, tab_title
from frontend.parts.markup import heading, upload_hints
from frontend.parts.uploads import is_zip, saved_upload
from frontend.views.header import JOBS
from frontend.views.prediction import draw_prediction

UPLOADER = "uploader"
"""How many jobs this tab has submitted. It is part of the uploader's key, so that each submit empties the uploader."""


def draw_classify() -> None:
    st.set_page_config(page_title=tab_title("Classify"))
    st.html(
        heading(
            "Classify images", "One image is answered at once. Many, or a ZIP, become a job that you can come back to."
        )
    )
    files = st.file_uploader(
        "Images or a ZIP",
        accept_multiple_files=True,
        key=f"{UPLOADER}-{_submitted_jobs()}",
        label_visibility="collapsed",
    )
    if not files:
        st.html(upload_hints(max_file_mb=st.get_option("server.maxUploadSize")))
    elif len(files) == 1 and not is_zip(files[0].name):
        with shown_errors():
            draw_prediction(files[0])
    else:
        _draw_job_form(files)


def _draw_job_form(files: Sequence[UploadedFile]) -> None:
    zips = sum(is_zip(file.name) for file in files)
    contents = [image_count(len(files) - zips)] if len(files) > zips else []
    contents += [f"{zips} ZIP{'s' * (zips > 1)}"] if zips else []
    with st.form("job"):
        size = file_size(sum(file.size for file in files))
        st.markdown(f"**{' and '.join(contents)}**, {size}, ready to be classified")
        name = st.text_input("Name of the job", placeholder="Optional, for example: spring collection", max_chars=100)
        measure = st.checkbox(
            "Measure how faithful each heatmap is",
            help="Whether it shows what the answer rests on, as a number from -1 to 1. Takes about 17 times as long.",
        )
        submitted = st.form_submit_button("Classify as a job", type="primary", icon=":material/play_arrow:")
    if submitted:
        with shown_errors(recovery=Recovery.MANUAL):
            _submit(files, name.strip() or None, explain="full" if measure else "cam")


def _submit(files: Sequence[UploadedFile], name: str | None, *, explain: Explain) -> None:
    bar = st.progress(0.0, text="Sending…")

    def show(sent: int, total: int) -> None:
        bar.progress(min(sent / total, 1.0), text=f"Sent {file_size(sent)} of {file_size(total)}")

    with saved_upload(files) as upload:
        job = session.client().send(upload, name=name, explain=explain, progress=show)
    st.session_state[UPLOADER] = _submitted_jobs() + 1
    session.open_job(job.id)
    session.go_to(JOBS)
    st.rerun()


def _submitted_jobs() -> int:
    return int(st.session_state.get(UPLOADER, 0))

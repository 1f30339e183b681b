"""Drop something: one image is answered at once, many images or a ZIP become a job."""

from collections.abc import Sequence

import streamlit as st
from streamlit.typing import UploadedFile

from batchlight import Explain
from frontend import session
from frontend.errors import WayOn, said
from frontend.messages import images, size
from frontend.parts.cards import hints, lead
from frontend.parts.uploads import is_zip, on_disk
from frontend.views.header import JOBS
from frontend.views.prediction import draw_prediction

KINDS = ["jpg", "jpeg", "png", "webp", "gif", "bmp", "zip"]
DROPS = "drops"
"""How often this tab's drop zone was emptied: a new number is a new, empty one."""


def draw_classify() -> None:
    st.html(
        lead(
            "Classify images", "One image is answered at once. Many, or a ZIP, become a job that you can come back to."
        )
    )
    dropped = st.file_uploader(
        "Images or a ZIP",
        accept_multiple_files=True,
        key=f"{DROPS}-{_drops()}",
        label_visibility="collapsed",
    )
    if not dropped:
        st.html(hints(most_mb=st.get_option("server.maxUploadSize")))
    elif len(dropped) == 1 and not is_zip(dropped[0].name):
        with said():
            draw_prediction(dropped[0])
    else:
        _draw_batch(dropped)


def _draw_batch(files: Sequence[UploadedFile]) -> None:
    zips = sum(is_zip(file.name) for file in files)
    what = [images(len(files) - zips)] if len(files) > zips else []
    what += [f"{zips} ZIP{'s' * (zips > 1)}"] if zips else []
    with st.form("batch"):
        st.markdown(f"**{' and '.join(what)}**, {size(sum(file.size for file in files))}, ready to go")
        name = st.text_input("Name of the job", placeholder="Optional, for example: spring collection", max_chars=100)
        judge = st.checkbox(
            "Measure how faithful each heatmap is",
            help="Whether it shows what the answer rests on, as a number from -1 to 1. Takes about 17 times as long.",
        )
        sent = st.form_submit_button("Classify as a job", type="primary", icon=":material/play_arrow:")
    if sent:
        with said(way_on=WayOn.BY_HAND):
            _submit(files, name.strip() or None, explain="full" if judge else "cam")


def _submit(files: Sequence[UploadedFile], name: str | None, *, explain: Explain) -> None:
    bar = st.progress(0.0, text="Sending…")

    def show(sent: int, total: int) -> None:
        bar.progress(min(sent / total, 1.0), text=f"Sent {size(sent)} of {size(total)}")

    with on_disk(files) as upload:
        job = session.client().send(upload, name=name, explain=explain, progress=show)
    st.session_state[DROPS] = _drops() + 1
    session.open_job(job.id)
    session.go_to(JOBS)
    st.rerun()


def _drops() -> int:
    return int(st.session_state.get(DROPS, 0))

"""The button that prepares an ended job's archive, and the link that downloads it."""

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import shown_errors
from frontend.messages import file_size
from frontend.parts.archives import Archive, fetch_archive
from frontend.parts.markup import download_link

ARCHIVE = "archive"


def draw_archive_button(job: Job) -> None:
    """Draw the button; replace it by a link once the archive is here, since the server builds it on demand."""
    place = st.empty()
    archive = st.session_state.get(ARCHIVE)
    if isinstance(archive, Archive) and archive.job_id == job.id:
        _draw_link(place, archive)
    elif place.button("Prepare the archive", type="primary", icon=":material/folder_zip:"):
        bar = place.progress(0.0, text="The server is building the archive: originals, overlays and result tables…")

        def show(done: int, total: int) -> None:
            bar.progress(min(done / total, 1.0), text=f"{file_size(done)} of {file_size(total)}")

        with shown_errors():
            st.session_state[ARCHIVE] = fetched = fetch_archive(session.client(), job.id, progress=show)
            _draw_link(place, fetched)


def _draw_link(place: st.delta_generator.DeltaGenerator, archive: Archive) -> None:
    size = file_size(archive.file.stat().st_size)
    place.html(download_link(archive.address, f"Download the archive · {size}"))

"""The way from an ended job to a ZIP on the person's disk."""

import streamlit as st

from batchlight import Job
from frontend import session
from frontend.errors import said
from frontend.messages import size
from frontend.parts.archives import Archive, fetch_archive
from frontend.parts.cards import download_link

ARCHIVE = "archive"


def draw_archive_button(job: Job) -> None:
    """Two steps, since the archive is built when it is first asked for: prepare, then download."""
    place = st.empty()
    archive = st.session_state.get(ARCHIVE)
    if isinstance(archive, Archive) and archive.job_id == job.id:
        _draw_link(place, archive)
    elif place.button("Prepare the archive", type="primary", icon=":material/folder_zip:"):
        bar = place.progress(0.0, text="The server puts originals, overlays and tables together…")

        def show(done: int, total: int) -> None:
            bar.progress(min(done / total, 1.0), text=f"{size(done)} of {size(total)}")

        with said():
            st.session_state[ARCHIVE] = fetched = fetch_archive(session.client(), job.id, progress=show)
            _draw_link(place, fetched)


def _draw_link(place: st.delta_generator.DeltaGenerator, archive: Archive) -> None:
    place.html(download_link(archive.address, f"Download the archive · {size(archive.file.stat().st_size)}"))

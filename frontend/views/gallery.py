"""A page of items as pictures."""

from concurrent.futures import ThreadPoolExecutor

import streamlit as st

from batchlight import BatchlightError, Client, Item
from frontend import session
from frontend.parts.cards import Pictures, gallery
from frontend.parts.previews import preview_uri

THUMB_PX = 240
AT_ONCE = 6
"""Pictures fetched side by side: overlays are drawn while one waits, and the server has other guests."""

SHOWN = "shown-pictures"
"""The pictures this tab shows now, so that a rerun fetches nothing; one page of them, never a job's."""


def draw_gallery(job_id: str, items: tuple[Item, ...]) -> None:
    """Fetches what is not on the screen yet. A picture that does not come leaves its place blank until the next run."""
    client = session.client()
    known: dict[tuple[str, int], Pictures] = st.session_state.get(SHOWN, {})
    missing = [item for item in items if not item.error and (job_id, item.index) not in known]
    if missing:
        with st.spinner("Fetching pictures…"), ThreadPoolExecutor(AT_ONCE) as pool:
            fetched = list(pool.map(lambda item: _fetch(client, job_id, item.index), missing))
        known = known | {
            (job_id, item.index): found for item, found in zip(missing, fetched, strict=True) if found is not None
        }
    shown = [(item, known.get((job_id, item.index), Pictures(None))) for item in items]
    st.session_state[SHOWN] = {(job_id, item.index): found for item, found in shown if found.image}
    st.html(gallery(shown))


def _fetch(client: Client, job_id: str, index: int) -> Pictures | None:
    try:
        return Pictures(
            preview_uri(client.image(job_id, index), side_px=THUMB_PX),
            preview_uri(client.overlay(job_id, index), side_px=THUMB_PX),
        )
    except BatchlightError:
        return None

"""The gallery: one page of a job's items as pictures."""

from concurrent.futures import ThreadPoolExecutor

import streamlit as st

from batchlight import BatchlightError, Client, Item
from frontend import session
from frontend.parts.markup import Previews, gallery
from frontend.parts.previews import preview_uri

THUMBNAIL_SIDE_PX = 240
MAX_CONCURRENT_FETCHES = 6
"""Low, because the server renders an overlay while the request waits, and serves other clients too."""

PREVIEWS = "gallery-previews"
"""The previews of the page that this tab shows, so that a rerun fetches nothing again."""


def draw_gallery(job_id: str, items: tuple[Item, ...]) -> None:
    """Fetch the missing previews and draw the page. A preview that cannot be fetched is tried again at the next run."""
    client = session.client()
    cached: dict[tuple[str, int], Previews] = st.session_state.get(PREVIEWS, {})
    missing = [item for item in items if not item.error and (job_id, item.index) not in cached]
    if missing:
        with st.spinner("Fetching pictures…"), ThreadPoolExecutor(MAX_CONCURRENT_FETCHES) as pool:
            fetched = list(pool.map(lambda item: _fetch(client, job_id, item.index), missing))
        cached = cached | {
            (job_id, item.index): previews
            for item, previews in zip(missing, fetched, strict=True)
            if previews is not None
        }
    cards = [(item, cached.get((job_id, item.index), Previews(None))) for item in items]
    st.session_state[PREVIEWS] = {(job_id, item.index): previews for item, previews in cards if previews.image}
    st.html(gallery(cards))


def _fetch(client: Client, job_id: str, index: int) -> Previews | None:
    try:
        return Previews(
            preview_uri(client.image(job_id, index), side_px=THUMBNAIL_SIDE_PX),
            preview_uri(client.overlay(job_id, index), side_px=THUMBNAIL_SIDE_PX),
        )
    except BatchlightError:
        return None

"""One image: what it is, how sure that is, and where the model looked."""

import streamlit as st
from streamlit.typing import UploadedFile

from batchlight import BatchlightError, Prediction
from frontend import session
from frontend.messages import size
from frontend.parts.cards import Pictures, bars, facts, judged, pair, verdict
from frontend.parts.previews import preview_uri
from frontend.parts.uploads import on_disk

SIDE_PX = 720
ANSWERED = "answered"
"""This tab's last answer, with the id of the file it is for: a rerun does not ask again."""


def draw_prediction(file: UploadedFile) -> None:
    """Raises BatchlightError."""
    prediction, pictures = _answer(file)
    with st.container(key="prediction"):
        shown, told = st.columns([3, 2], gap="large", vertical_alignment="center")
        shown.html(pair(pictures, name=file.name) + judged(prediction.faithfulness))
        told.html(verdict(prediction.label, prediction.confidence) + bars(prediction.top_k))
        st.html(facts(_provenance(file, prediction)))


def _answer(file: UploadedFile) -> tuple[Prediction, Pictures]:
    known = st.session_state.get(ANSWERED)
    if known and known[0] == file.file_id:
        return known[1], known[2]
    with st.spinner(f"Looking at {file.name}…"):
        client = session.client()
        with on_disk([file]) as upload:
            prediction = client.predict(upload.files[0].path, explain="full")
        pictures = Pictures(preview_uri(file.getvalue(), side_px=SIDE_PX), _overlay(prediction))
    st.session_state[ANSWERED] = (file.file_id, prediction, pictures)
    return prediction, pictures


def _overlay(prediction: Prediction) -> str | None:
    """The answer stands without its overlay, which a busy server may still owe."""
    try:
        return preview_uri(session.client().overlay(prediction.job_id, 0), side_px=SIDE_PX)
    except BatchlightError:
        return None


def _provenance(file: UploadedFile, prediction: Prediction) -> dict[str, str]:
    made_by = prediction.model
    return {
        "File": f"{file.name}, {size(file.size)}",
        "Model": f"{made_by.name} {made_by.version}",
        "Precision": made_by.precision,
        "Engine": made_by.engine or "unknown",
    }

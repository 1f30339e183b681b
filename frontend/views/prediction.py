"""The prediction of one image: its class, the confidence, and where the model looked."""

import streamlit as st
from streamlit.typing import UploadedFile

from batchlight import BatchlightError, Prediction
from frontend import session
from frontend.messages import file_size
from frontend.parts.markup import (
    Previews,
    confidence_bars,
    details,
    faithfulness_note,
    image_pair,
    prediction_summary,
)
from frontend.parts.previews import preview_uri
from frontend.parts.uploads import saved_upload

PREVIEW_SIDE_PX = 720
LAST_PREDICTION = "last-prediction"
"""The tab's last prediction with the id of its file, so that a rerun does not send the image again."""


def draw_prediction(file: UploadedFile) -> None:
    """Predict the image and draw the result; raises BatchlightError."""
    prediction, previews = _predict_once(file)
    with st.container(key="prediction"):
        images, summary = st.columns([3, 2], gap="large", vertical_alignment="center")
        images.html(image_pair(previews, name=file.name) + faithfulness_note(prediction.faithfulness))
        summary.html(prediction_summary(prediction.label, prediction.confidence) + confidence_bars(prediction.top_k))
        st.html(details(_provenance(file, prediction)))


def _predict_once(file: UploadedFile) -> tuple[Prediction, Previews]:
    last = st.session_state.get(LAST_PREDICTION)
    if last and last[0] == file.file_id:
        return last[1], last[2]
    with st.spinner(f"Classifying {file.name}…"):
        client = session.client()
        with saved_upload([file]) as upload:
            prediction = client.predict(upload.files[0].path, explain="full")
        image = preview_uri(file.getvalue(), side_px=PREVIEW_SIDE_PX)
        previews = Previews(image, _overlay(prediction))
    st.session_state[LAST_PREDICTION] = (file.file_id, prediction, previews)
    return prediction, previews


def _overlay(prediction: Prediction) -> str | None:
    """A preview of the overlay; None if a busy server has not rendered it yet."""
    try:
        return preview_uri(session.client().overlay(prediction.job_id, 0), side_px=PREVIEW_SIDE_PX)
    except BatchlightError:
        return None


def _provenance(file: UploadedFile, prediction: Prediction) -> dict[str, str]:
    model = prediction.model
    return {
        "File": f"{file.name}, {file_size(file.size)}",
        "Model": f"{model.name} {model.version}",
        "Precision": model.precision,
        "Engine": model.engine or "unknown",
    }

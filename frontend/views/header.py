"""The header: what this is, where one is, and the way out."""

from base64 import b64encode
from pathlib import Path

import streamlit as st

from frontend import session

CLASSIFY, JOBS = "Classify", "Jobs"
MARK = Path(__file__).with_name("mark.svg")


def draw_header() -> str:
    """Draws it and returns the view that is chosen. An address that names a job starts there."""
    if session.VIEW not in st.session_state:
        session.go_to(JOBS if session.opened_job() else CLASSIFY)
    if session.NEXT_VIEW in st.session_state:
        st.session_state[session.VIEW] = st.session_state.pop(session.NEXT_VIEW)
    with st.container(horizontal=True, wrap=False, vertical_alignment="center", key="header"):
        st.html(brand(), width="content")
        st.segmented_control(
            "View",
            [CLASSIFY, JOBS],
            key=session.VIEW,
            required=True,
            on_change=session.close_job,
            label_visibility="collapsed",
        )
        st.button("Sign out", type="tertiary", icon=":material/logout:", on_click=session.sign_out, key="sign-out")
    return str(st.session_state[session.VIEW])


def brand() -> str:
    """The mark and the name. The mark is an image, since inline SVG does not survive Streamlit's sanitizing."""
    mark = b64encode(MARK.read_bytes()).decode()
    return f'<div class="bl-brand"><img src="data:image/svg+xml;base64,{mark}" alt=""><span>Batchlight</span></div>'

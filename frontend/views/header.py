"""The header: the logo, the switch between the views, and the sign-out button."""

from base64 import b64encode
from pathlib import Path

import streamlit as st

from frontend import session

CLASSIFY, JOBS = "Classify", "Jobs"
LOGO = Path(__file__).with_name("logo.svg")


def draw_header() -> str:
    """Draw the header and return the selected view. A tab whose address names a job starts with the jobs."""
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
    """The logo and the name. The logo is an image because Streamlit's sanitizer removes inline SVG."""
    logo = b64encode(LOGO.read_bytes()).decode()
    return f'<div class="bl-brand"><img src="data:image/svg+xml;base64,{logo}" alt=""><span>Batchlight</span></div>'

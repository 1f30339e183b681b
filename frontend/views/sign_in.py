"""The sign-in view: it asks for an API key."""

import streamlit as st

from batchlight import BatchlightError
from frontend import session
from frontend.errors import show_error
from frontend.messages import tab_title
from frontend.views.header import brand


def draw_sign_in() -> None:
    st.set_page_config(page_title=tab_title("Sign in"))
    with st.container(key="sign-in"):
        st.html(
            f"{brand()}<h1>What is in your pictures, and where the model looked.</h1>"
            "<p>Drop one image or thousands. Every one comes back with a class, a confidence and a heatmap.</p>"
        )
        with st.form("sign-in-form", border=False):
            key = st.text_input("API key", type="password", placeholder="bl_…", autocomplete="off")
            submitted = st.form_submit_button("Sign in", type="primary", width="stretch")
        if submitted:
            _sign_in(key)
        elif reason := session.sign_out_reason():
            st.error(reason, icon=":material/key_off:")
        st.caption(
            "No key yet? The operator of this server creates one: "
            "`.venv/bin/python -m ops keys create --owner NAME`. "
            "The key stays in this tab, and the web UI forgets it soon after you close the tab."
        )


def _sign_in(key: str) -> None:
    try:
        with st.spinner("Signing in…"):
            session.sign_in(key)
    except BatchlightError as error:
        show_error(error)
        return
    st.rerun()

"""The door: sign in with an API key."""

import streamlit as st

from batchlight import BatchlightError
from frontend import session
from frontend.errors import say
from frontend.views.header import brand


def draw_door() -> None:
    with st.container(key="door"):
        st.html(
            f"{brand()}<h1>What is in your pictures, and where the model looked.</h1>"
            "<p>Drop one image or thousands. Every one comes back with a class, a confidence and a heatmap.</p>"
        )
        with st.form("sign-in", border=False):
            key = st.text_input("API key", type="password", placeholder="bl_…", autocomplete="off")
            sent = st.form_submit_button("Sign in", type="primary", width="stretch")
        if sent:
            _enter(key)
        elif words := session.farewell():
            st.error(words, icon=":material/key_off:")
        st.caption(
            "No key yet? Whoever runs this server makes one with `python -m ops keys create --owner NAME`. "
            "It stays in this tab, and is forgotten soon after you close it."
        )


def _enter(key: str) -> None:
    try:
        with st.spinner("Signing in…"):
            session.sign_in(key)
    except BatchlightError as error:
        say(error)
        return
    st.rerun()

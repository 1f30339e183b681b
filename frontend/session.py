"""The state of one browser tab: the client that holds its API key, and the job it shows.

Streamlit drops this state soon after the tab is closed.
"""

from contextlib import ExitStack

import streamlit as st

from batchlight import Client
from frontend.settings import api_url

CLIENT, SIGN_OUT_REASON, JOB, VIEW, NEXT_VIEW = "client", "sign-out-reason", "job", "view", "next-view"


def sign_in(key: str) -> None:
    """Keep a client with this key in the tab's session, and nowhere else.

    Raises BatchlightError if the server does not accept the key for reading or cannot be reached.
    """
    with ExitStack() as on_failure:
        client = on_failure.enter_context(Client(api_url(), key))
        client.models()
        on_failure.pop_all()
    st.session_state[CLIENT] = client
    st.session_state.pop(SIGN_OUT_REASON, None)


def sign_out(*, because: str | None = None) -> None:
    """Delete the tab's state, the key included.

    With a reason (a revoked key), sign-in shows the reason and the address keeps the job, so that signing in again
    returns to it. Without one, the person chose to sign out, and the address forgets the job too.
    """
    if client := current():
        client.close()
    st.session_state.clear()
    if because:
        st.session_state[SIGN_OUT_REASON] = because
    else:
        close_job()


def current() -> Client | None:
    """The tab's client; None if the person is not signed in."""
    client = st.session_state.get(CLIENT)
    return client if isinstance(client, Client) else None


def client() -> Client:
    """The tab's client, for views that are drawn only after sign-in."""
    found = current()
    assert found is not None, "a view was drawn before sign-in"
    return found


def sign_out_reason() -> str | None:
    """Why the server ended the tab's last session; None if it did not."""
    reason = st.session_state.get(SIGN_OUT_REASON)
    return reason if isinstance(reason, str) else None


def open_job(job_id: str) -> None:
    """Put the job's id into the address, so that a reload returns to it. The id opens nothing without a key."""
    st.query_params[JOB] = job_id


def close_job() -> None:
    st.query_params.pop(JOB, None)


def opened_job() -> str | None:
    """The id of the job in the address; None if the address names no job."""
    return st.query_params.get(JOB)


def go_to(view: str) -> None:
    """Select the view of the next run. The switch is a widget, whose value cannot change after it was drawn."""
    st.session_state[NEXT_VIEW] = view

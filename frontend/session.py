"""What one tab knows: its key, inside its client, and the job it looks at. Gone when the tab is closed."""

import streamlit as st

from batchlight import Client
from frontend.settings import api_url

CLIENT, FAREWELL, JOB, VIEW, NEXT_VIEW = "client", "farewell", "job", "view", "next-view"


def sign_in(key: str) -> None:
    """Remembers the key if the server takes it for reading; raises BatchlightError. It is kept nowhere else."""
    client = Client(api_url(), key)
    try:
        client.models()
    except Exception:
        client.close()
        raise
    st.session_state[CLIENT] = client
    st.session_state.pop(FAREWELL, None)


def sign_out(*, because: str | None = None) -> None:
    """Forgets everything of this tab. Without the person's wish, `because` is shown at the door, and the job stays
    in the address to come back to."""
    if client := current():
        client.close()
    st.session_state.clear()
    if because:
        st.session_state[FAREWELL] = because
    else:
        close_job()


def current() -> Client | None:
    """This tab's client, if somebody is signed in."""
    client = st.session_state.get(CLIENT)
    return client if isinstance(client, Client) else None


def client() -> Client:
    """This tab's client; only views behind the door ask for it."""
    found = current()
    assert found is not None, "a view was drawn for nobody"
    return found


def farewell() -> str | None:
    """Why the last session of this tab ended, if it was not the person's wish."""
    words = st.session_state.get(FAREWELL)
    return words if isinstance(words, str) else None


def open_job(job_id: str) -> None:
    """The job goes into the address, so that a reload comes back to it; it opens nothing without the key."""
    st.query_params[JOB] = job_id


def close_job() -> None:
    st.query_params.pop(JOB, None)


def opened_job() -> str | None:
    return st.query_params.get(JOB)


def go_to(view: str) -> None:
    """The view that the next run starts in: the switch itself has been drawn when a run wishes to leave."""
    st.session_state[NEXT_VIEW] = view

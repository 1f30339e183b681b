"""Errors on the screen: a message in place of the view or part that failed, and recovery after an outage."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import streamlit as st

from batchlight import BatchlightError, ConnectionLost, NotAuthenticated, Unreachable
from frontend import session
from frontend.messages import error_message

RECONNECT_INTERVAL_S = 2.0


class Recovery(Enum):
    """What follows after the server was unreachable. The web UI never repeats a request that creates a job."""

    AUTOMATIC = "The web UI continues as soon as the server is back; nothing is lost."
    MANUAL = "Try again in a moment."


@contextmanager
def shown_errors(*, recovery: Recovery = Recovery.AUTOMATIC, polls: bool = False) -> Iterator[None]:
    """Show a message for a client error that the block raises; the rest of the web UI is drawn.

    A key that the server no longer accepts leads back to sign-in. With automatic recovery the script runs again when
    the server answers, unless the block `polls` and so runs again anyway.
    """
    try:
        yield
    except NotAuthenticated as error:
        session.sign_out(because=error_message(error))
        st.rerun()
    except BatchlightError as error:
        show_error(error, recovery=recovery)
        if is_outage(error) and recovery is Recovery.AUTOMATIC and not polls:
            _rerun_when_reachable()


def show_error(error: Exception, *, recovery: Recovery = Recovery.MANUAL) -> None:
    """Show the error's message: as a warning if waiting helps, else as an error."""
    if is_outage(error):
        st.warning(f"{error_message(error)} {recovery.value}", icon=":material/cloud_off:")
    else:
        st.error(error_message(error), icon=":material/error:")


def is_outage(error: Exception) -> bool:
    """Whether the request never reached the server. A connection that broke during a request does not count."""
    return isinstance(error, Unreachable) and not isinstance(error, ConnectionLost)


@st.fragment(run_every=RECONNECT_INTERVAL_S)
def _rerun_when_reachable() -> None:
    try:
        session.client().models()
    except BatchlightError:
        return
    st.rerun()

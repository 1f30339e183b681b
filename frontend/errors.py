"""How an error meets the person: in words, in place, with a way on."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

import streamlit as st

from batchlight import BatchlightError, ConnectionLost, NotAuthenticated, Unreachable
from frontend import session
from frontend.messages import spoken

LOOK_AGAIN_S = 2.0


class WayOn(Enum):
    """What happens after the server was away. Nothing that makes a job is ever sent a second time by itself."""

    BY_ITSELF = "The page goes on by itself as soon as it is back; nothing is lost."
    BY_HAND = "Nothing was sent; try again in a moment."


@contextmanager
def said(*, way_on: WayOn = WayOn.BY_ITSELF, polls: bool = False) -> Iterator[None]:
    """What the client raises inside is said where the block stands; the rest of the page goes on.

    A key that is no longer accepted leads back to the door. A block that `polls` looks again without our help.
    """
    try:
        yield
    except NotAuthenticated as error:
        session.sign_out(because=spoken(error))
        st.rerun()
    except BatchlightError as error:
        say(error, way_on=way_on)
        if is_away(error) and way_on is WayOn.BY_ITSELF and not polls:
            _look_again()


def say(error: Exception, *, way_on: WayOn = WayOn.BY_HAND) -> None:
    """The words, as a warning where waiting helps."""
    if is_away(error):
        st.warning(f"{spoken(error)} {way_on.value}", icon=":material/cloud_off:")
    else:
        st.error(spoken(error), icon=":material/error:")


def is_away(error: Exception) -> bool:
    """Whether nothing was reached at all; a connection lost on the way is another matter."""
    return isinstance(error, Unreachable) and not isinstance(error, ConnectionLost)


@st.fragment(run_every=LOOK_AGAIN_S)
def _look_again() -> None:
    try:
        session.client().models()
    except BatchlightError:
        return
    st.rerun()

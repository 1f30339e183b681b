"""How an error meets the person: in words, in place, with a way on."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from batchlight import BatchlightError, NotAuthenticated, Unreachable
from frontend import session
from frontend.words import spoken


@contextmanager
def said() -> Iterator[None]:
    """What the client raises inside is said where the block stands; the rest of the page goes on.

    A key that is no longer accepted leads back to the door.
    """
    try:
        yield
    except NotAuthenticated as error:
        session.sign_out(because=spoken(error))
        st.rerun()
    except BatchlightError as error:
        say(error)


def say(error: Exception) -> None:
    """The words, as a warning where waiting helps."""
    if isinstance(error, Unreachable):
        st.warning(spoken(error), icon=":material/cloud_off:")
    else:
        st.error(spoken(error), icon=":material/error:")

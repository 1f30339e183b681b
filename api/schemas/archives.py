"""Archives that are not there yet; one that is ready is a ZIP, not JSON."""

from datetime import datetime

from api.schemas.described import Described
from core.states import ArchiveState


class ArchiveOut(Described):
    """An archive that a worker builds."""

    state: ArchiveState
    """`queued`: it waits for a worker. `running`: a worker builds it."""

    requested_at: datetime
    """When it was first requested."""

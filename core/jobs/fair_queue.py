"""The fair order of a queue: self-clocked fair queueing over owners.

J. Golestani, "A self-clocked fair queueing scheme for broadband applications", INFOCOM 1994: the virtual time of a new
arrival follows the later of the virtual time in service and its own flow's last one, by its length. A flow is an
owner, an arrival is a shard, and its length is the number of classifications that its images take.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from core.db.clock import EpochNow, db_now
from core.db.tables import Shard
from core.states import Queue, ShardState

Rows = TypeVar("Rows", bound="Select[*tuple[Any, ...]]")

OPEN = (ShardState.QUEUED, ShardState.RUNNING)


class VirtualTimes:
    """The virtual times that the next shards of these (queue, owner) pairs must exceed, read in one statement.

    `add` counts the shards that one transaction is about to write, so that several jobs can share the transaction.
    `now` is the database's time of the statement.
    """

    def __init__(self, session: Session, pairs: Iterable[tuple[Queue, str]]) -> None:
        self._lowest: dict[Queue, int | None] = {}
        self._highest_of_owner: dict[tuple[Queue, str], int | None] = {}
        asked = list(pairs)
        columns = [column for queue, owner in asked for column in _lowest_and_highest(queue, owner=owner)]
        found: Sequence[Any] = session.execute(select(EpochNow(), *columns)).one()
        self.now: datetime = found[0]
        for (queue, owner), lowest, highest in zip(asked, found[1::2], found[2::2], strict=True):
            self._lowest[queue] = lowest
            self._highest_of_owner[queue, owner] = highest

    def last(self, queue: Queue, owner: str) -> int:
        """Return the virtual time that this owner's next shard of the queue must exceed; 0 if no shard is open."""
        return max(self._lowest[queue] or 0, self._highest_of_owner[queue, owner] or 0)

    def add(self, queue: Queue, owner: str, virtual_times: Sequence[int]) -> None:
        """Count new shards with these virtual times, ascending, as open."""
        if virtual_times and self._lowest[queue] is None:
            self._lowest[queue] = virtual_times[0]
        if virtual_times:
            self._highest_of_owner[queue, owner] = virtual_times[-1]


def next_in_order(queue: Queue) -> ScalarSelect[str]:
    """The id of the queued shard with the lowest virtual time, as a subquery that locks it."""
    return in_order(select(Shard.id), queue).limit(1).scalar_subquery()


def in_order(shards: Rows, queue: Queue) -> Rows:
    """Restrict a selection of shards to claimable ones in fair order and lock them until the transaction ends.

    On Postgres it passes over shards that another transaction has locked, because a worker is claiming them.
    """
    claimable = Shard.queue == queue, Shard.state == ShardState.QUEUED, Shard.ready_at <= db_now()
    return shards.where(*claimable).order_by(Shard.virtual_time, Shard.id).with_for_update(skip_locked=True, of=Shard)


def _lowest_and_highest(queue: Queue, *, owner: str) -> tuple[ScalarSelect[int], ScalarSelect[int]]:
    """The queue's lowest open virtual time and this owner's highest, null where none is open: two index look-ups."""
    is_open = Shard.state.in_(OPEN), Shard.queue == queue
    lowest = select(func.min(Shard.virtual_time)).where(*is_open)
    highest = select(func.max(Shard.virtual_time)).where(*is_open, Shard.owner == owner)
    return lowest.scalar_subquery(), highest.scalar_subquery()

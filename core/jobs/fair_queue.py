"""A shard's place in the fair order of its lane: self-clocked fair queueing over owners.

J. Golestani, "A self-clocked fair queueing scheme for broadband applications", INFOCOM 1994: a new arrival's
tag follows the later of the tag in service and its own flow's last tag, by its length: here, by the classifications
that its images take.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from core.db.clock import EpochNow, db_now
from core.db.tables import Job, Shard
from core.states import Explain, Lane, ShardState

Rows = TypeVar("Rows", bound="Select[*tuple[Any, ...]]")

OPEN = (ShardState.QUEUED, ShardState.RUNNING)


def last_turn(session: Session, lane: Lane, *, owner: str) -> int:
    """The turn after which this owner's next shard of the lane stands; 0 where nothing is open."""
    return Turns(session, {(lane, owner)}).last(lane, owner)


class Turns:
    """Where the next shards of these (lane, owner) stand, read in one statement, for several jobs of a transaction."""

    def __init__(self, session: Session, queues: Iterable[tuple[Lane, str]]) -> None:
        self._lowest: dict[Lane, int | None] = {}
        self._own_highest: dict[tuple[Lane, str], int | None] = {}
        asked = list(queues)
        columns = [column for lane, owner in asked for column in _ends(lane, owner=owner)]
        found: Sequence[Any] = session.execute(select(EpochNow(), *columns)).one()
        self.now: datetime = found[0]
        for (lane, owner), lowest, own_highest in zip(asked, found[1::2], found[2::2], strict=True):
            self._lowest[lane] = lowest
            self._own_highest[lane, owner] = own_highest

    def last(self, lane: Lane, owner: str) -> int:
        """The turn after which this owner's next shard of the lane stands; 0 where nothing is open."""
        return max(self._lowest[lane] or 0, self._own_highest[lane, owner] or 0)

    def take(self, lane: Lane, owner: str, *, first: int, last: int) -> None:
        """Counts new shards with turns from `first` to `last` as open."""
        if self._lowest[lane] is None:
            self._lowest[lane] = first
        self._own_highest[lane, owner] = last


def _ends(lane: Lane, *, owner: str) -> tuple[ScalarSelect[int], ScalarSelect[int]]:
    """The lane's lowest open turn and this owner's highest, null where there is none: two index look-ups."""
    lane_open = Shard.state.in_(OPEN), Shard.lane == lane
    lowest = select(func.min(Shard.turn)).where(*lane_open)
    own_highest = select(func.max(Shard.turn)).where(*lane_open, Shard.owner == owner)
    return lowest.scalar_subquery(), own_highest.scalar_subquery()


def next_in_turn(lane: Lane) -> ScalarSelect[str]:
    """The id of the queued shard with the lowest turn."""
    return _in_turn(select(Shard.id), lane).limit(1).scalar_subquery()


def first_in_turn(lane: Lane, *, limit: int) -> Select[str, int, int, str, str, str, int, Explain]:
    """So many queued shards with the lowest turns, locked until the transaction ends: their ids, and who is company."""
    of_job = Job.model_name, Job.model_version, Job.precision, Job.top_k, Job.explain
    return _in_turn(select(Shard.id, Shard.count, Shard.attempt, *of_job).join(Shard.job), lane).limit(limit)


def _in_turn(shards: Rows, lane: Lane) -> Rows:
    """Queued ones in fair order, passing over those being claimed right now (Postgres)."""
    claimable = Shard.lane == lane, Shard.state == ShardState.QUEUED, Shard.ready_at <= db_now()
    return shards.where(*claimable).order_by(Shard.turn, Shard.id).with_for_update(skip_locked=True, of=Shard)

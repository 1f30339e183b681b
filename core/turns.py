"""A shard's place in the fair order of its lane: self-clocked fair queueing over owners.

J. Golestani, "A self-clocked fair queueing scheme for broadband applications", INFOCOM 1994: a new arrival's
tag follows the later of the tag in service and its own flow's last tag, by its length: here, by the classifications
that its images take.
"""

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from core.clock import db_now
from core.states import Lane, ShardState
from core.tables import Shard

OPEN = (ShardState.QUEUED, ShardState.RUNNING)


def last_turn(session: Session, lane: Lane, *, owner: str) -> int:
    """The turn after which this owner's next shard of the lane stands; 0 where nothing is open."""
    lane_open = Shard.state.in_(OPEN), Shard.lane == lane
    lowest = session.scalar(select(func.min(Shard.turn)).where(*lane_open))
    own_highest = session.scalar(select(func.max(Shard.turn)).where(*lane_open, Shard.owner == owner))
    return max(lowest or 0, own_highest or 0)


def next_in_turn(lane: Lane) -> ScalarSelect[str]:
    """The queued shard with the lowest turn, passing over those being claimed right now (Postgres)."""
    return (
        select(Shard.id)
        .where(Shard.lane == lane, Shard.state == ShardState.QUEUED, Shard.ready_at <= db_now())
        .order_by(Shard.turn, Shard.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )

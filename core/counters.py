"""The counters of jobs, and their end with the last shard. Every change of a shard moves them in its transaction."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from core.clock import db_now
from core.states import JobState
from core.tables import Job

FRESH = {"synchronize_session": False, "populate_existing": True}

Moves = Mapping[str, int]
"""What is added to each counter of a job; their sum is zero, so the counters always add up to the total."""


def move(session: Session, moves: Mapping[str, Moves]) -> dict[str, Job]:
    """Adds to the counters of these jobs, locked in the order of their ids; returns them as they are then, by id."""
    if len(moves) > 1:
        session.execute(select(Job.id).where(Job.id.in_(moves)).order_by(Job.id).with_for_update(key_share=True))
    counters = {name for of_job in moves.values() for name in of_job}
    moved = session.scalars(
        update(Job)
        .where(Job.id.in_(moves))
        .values(
            **{name: getattr(Job, name) + _amount(name, moves) for name in counters},
            state=case((Job.state == JobState.QUEUED, JobState.RUNNING), else_=Job.state),
            started_at=func.coalesce(Job.started_at, db_now()),
            revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(**FRESH)
    )
    return {job.id: job for job in moved}


def end_done(session: Session, job_ids: Collection[str]) -> None:
    """Ends those of these jobs that have nothing queued or running, once per round; a loaded one shows its end."""
    outcome = case(
        (Job.cancelled > 0, JobState.CANCELLED),
        (Job.failed == 0, JobState.SUCCEEDED),
        (Job.succeeded == 0, JobState.FAILED),
        else_=JobState.PARTIALLY_SUCCEEDED,
    )
    session.scalars(
        update(Job)
        .where(Job.id.in_(job_ids), Job.ended_at.is_(None), Job.queued == 0, Job.running == 0)
        .values(state=outcome, ended_at=db_now(), revision=Job.revision + 1)
        .returning(Job)
        .execution_options(**FRESH)
    ).all()


def end_if_done(session: Session, job_id: str) -> Job:
    """The same for one job, which is returned as it is then."""
    end_done(session, [job_id])
    return session.scalars(select(Job).where(Job.id == job_id).execution_options(populate_existing=True)).one()


def _amount(counter: str, moves: Mapping[str, Moves]) -> int | ColumnElement[int]:
    """What the counter of each job moves by."""
    amounts = {job_id: of_job.get(counter, 0) for job_id, of_job in moves.items()}
    different = len(set(amounts.values())) > 1
    return case(amounts, value=Job.id) if different else next(iter(amounts.values()))

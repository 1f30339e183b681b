"""The counters of jobs and the end of a job with its last shard. A shard and its job's counters change together."""

from collections.abc import Mapping

from sqlalchemy import Case, SQLColumnExpression, and_, case, func, select, update
from sqlalchemy.orm import Session

from core.db.clock import db_now
from core.db.tables import Job
from core.states import JobState

FRESH = {"synchronize_session": False, "populate_existing": True}
"""Execution options of an UPDATE … RETURNING whose rows replace what the session has loaded of them."""

COUNTERS = ("queued", "running", "succeeded", "failed", "cancelled")

Count = SQLColumnExpression[int]

Moves = Mapping[str, int]
"""What is added to each counter of a job. The amounts add up to zero, so the counters always add up to the total."""


def move(session: Session, moves: Mapping[str, Moves]) -> dict[str, Job]:
    """Add to the counters of these jobs, given by id, and end each job that has nothing queued or running after it.

    Locks the rows in the order of their ids. Returns the jobs as they are afterward, by id.
    """
    if len(moves) > 1:
        session.execute(select(Job.id).where(Job.id.in_(moves)).order_by(Job.id).with_for_update(key_share=True))
    counters: dict[str, Count] = {name: getattr(Job, name) + _amount(name, moves) for name in COUNTERS}
    done = and_(counters["queued"] == 0, counters["running"] == 0)
    moved = session.scalars(
        update(Job)
        .where(Job.id.in_(moves))
        .values(
            **counters,
            state=case(
                (done, _end_state(**counters)), (Job.state == JobState.QUEUED, JobState.RUNNING), else_=Job.state
            ),
            started_at=func.coalesce(Job.started_at, db_now()),
            ended_at=case((done, db_now()), else_=Job.ended_at),
            revision=Job.revision + 1,
        )
        .returning(Job)
        .execution_options(**FRESH)
    )
    return {job.id: job for job in moved}


def end_if_done(session: Session, job_id: str) -> Job:
    """End a job that has nothing queued or running, without a change of a shard; return it as it is afterward."""
    end_state = _end_state(succeeded=Job.succeeded, failed=Job.failed, cancelled=Job.cancelled)
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.ended_at.is_(None), Job.queued == 0, Job.running == 0)
        .values(state=end_state, ended_at=db_now(), revision=Job.revision + 1)
        .execution_options(synchronize_session=False)
    )
    return session.scalars(select(Job).where(Job.id == job_id).execution_options(populate_existing=True)).one()


def stuck_jobs(session: Session, *, limit: int = 100) -> list[Job]:
    """Return jobs that have nothing queued or running and have not ended, the oldest first."""
    stuck = select(Job).where(Job.ended_at.is_(None), Job.queued == 0, Job.running == 0)
    return list(session.scalars(stuck.order_by(Job.created_at).limit(limit)))


def _end_state(*, succeeded: Count, failed: Count, cancelled: Count, **_open: Count) -> Case[JobState]:
    """The state of a job that ends with these counters."""
    return case(
        (cancelled > 0, JobState.CANCELLED),
        (failed == 0, JobState.SUCCEEDED),
        (succeeded == 0, JobState.FAILED),
        else_=JobState.PARTIALLY_SUCCEEDED,
    )


def _amount(counter: str, moves: Mapping[str, Moves]) -> int | Count:
    """What the counter moves by: one number, or a number by job id where the jobs differ."""
    amounts = {job_id: of_job.get(counter, 0) for job_id, of_job in moves.items()}
    differ = len(set(amounts.values())) > 1
    return case(amounts, value=Job.id) if differ else next(iter(amounts.values()))

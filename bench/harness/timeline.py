"""One bulk job as its rows tell it: when it was accepted, when work began, how busy the workers were."""

import time
from datetime import datetime

from sqlalchemy import select

from bench.harness.bench_harness import Ground
from bench.harness.stack import closing_database
from core.db.tables import Shard


def timeline_s(ground: Ground) -> dict[str, float]:
    """Seconds of a job's life, and the share of it that the worker processes held a shard."""
    stack = ground.stack
    started_at = time.time()
    job = stack.submit(ground.small_zip(ground.sizes.bulk_images))
    answered_at = time.time()
    job = stack.ended(job)
    with closing_database(stack.plan.settings.database_url) as database, database.read.begin() as session:
        spans = session.execute(select(Shard.started_at, Shard.ended_at).where(Shard.job_id == job["id"])).all()
    stack.delete(job)
    claims = [claimed.timestamp() for claimed, _ in spans if claimed]
    ends = [ended.timestamp() for _, ended in spans if ended]
    held_s = sum(ends) - sum(claims)
    worked_s = max(ends) - min(claims)
    return {
        "submit_to_row_s": _instant(job["created_at"]) - started_at,
        "submit_to_answer_s": answered_at - started_at,
        "row_to_first_claim_s": min(claims) - _instant(job["created_at"]),
        "first_claim_to_last_commit_s": worked_s,
        "shard_held_s": held_s / len(spans),
        "workers_busy_share": held_s / (worked_s * stack.plan.workers),
        "total_s": _instant(job["ended_at"]) - started_at,
    }


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()

"""One bulk job as its rows record it: when it was accepted, when its first shard was claimed, how busy workers were."""

import time
from datetime import datetime

from sqlalchemy import select

from bench.harness.bench_harness import BenchHarness
from core.db.tables import Shard


def timeline_s(harness: BenchHarness) -> dict[str, float]:
    """Return the phases of a job in seconds, and the share of the time in which worker processes held a shard."""
    stack = harness.stack
    started_at = time.time()
    job = stack.submit(harness.small_zip(harness.sizes.bulk_images))
    answered_at = time.time()
    job = stack.wait_for(job)
    with stack.database() as database, database.read.begin() as session:
        spans = session.execute(select(Shard.started_at, Shard.ended_at).where(Shard.job_id == job["id"])).all()
    stack.delete(job)
    claims = [claimed.timestamp() for claimed, _ in spans if claimed]
    commits = [ended.timestamp() for _, ended in spans if ended]
    held_s = sum(commits) - sum(claims)
    first_claim_to_last_commit_s = max(commits) - min(claims)
    return {
        "submit_to_row_s": _epoch_s(job["created_at"]) - started_at,
        "submit_to_answer_s": answered_at - started_at,
        "row_to_first_claim_s": min(claims) - _epoch_s(job["created_at"]),
        "first_claim_to_last_commit_s": first_claim_to_last_commit_s,
        "shard_held_s": held_s / len(spans),
        "workers_busy_share": held_s / (first_claim_to_last_commit_s * stack.plan.workers),
        "total_s": _epoch_s(job["ended_at"]) - started_at,
    }


def _epoch_s(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()

"""Jobs of a single image each, from 64 clients at once."""

import time

from sqlalchemy import func, select

from bench.harness.load import Call, answers_per_s
from bench.harness.stack import BenchError, BenchStack, closing_database
from bench.measurements.predict import FORM, form
from core.db.engines import Database
from core.db.tables import Item

JOB_WAIT_S = 300
COMMIT_POLL_S = 0.02


def commit_singles(stack: BenchStack, images: list[bytes]) -> float:
    """Commits/s, from the first request to the moment when the last of the jobs has its item."""
    call = Call(f"{stack.plan.address}/v1/jobs", FORM, f"Authorization: Bearer {stack.key}\r\n")
    bodies = [form(data, field="files") for data in images]
    with closing_database(stack.plan.settings.database_url) as database:
        before = _items(database)
        started_s = time.perf_counter()
        answers_per_s(call, bodies)
        while _items(database) - before < len(images):
            if time.perf_counter() - started_s > JOB_WAIT_S:
                raise BenchError(f"{len(images)} jobs of one image did not end in {JOB_WAIT_S} s.")
            time.sleep(COMMIT_POLL_S)
        return len(images) / (time.perf_counter() - started_s)


def _items(database: Database) -> int:
    with database.read.begin() as session:
        return session.scalars(select(func.count()).select_from(Item)).one()

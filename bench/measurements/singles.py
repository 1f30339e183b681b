"""Jobs of one image each, submitted by 64 clients at once."""

import time

from sqlalchemy import func, select

from bench.harness.load_generator import Endpoint, responses_per_s
from bench.harness.multipart import MULTIPART_TYPE, multipart_body
from bench.harness.stack import BenchError, BenchStack
from core.db.engines import Database
from core.db.tables import Item

JOBS_TIMEOUT_S = 300
POLL_INTERVAL_S = 0.02


def single_image_job_rate(stack: BenchStack, images: list[bytes]) -> float:
    """Return commits/s, from the first request until the last of the jobs has its item."""
    endpoint = Endpoint(f"{stack.plan.address}/v1/jobs", MULTIPART_TYPE, f"Authorization: Bearer {stack.key}\r\n")
    bodies = [multipart_body(data, field="files") for data in images]
    with stack.database() as database:
        items_before = _count_items(database)
        started_s = time.perf_counter()
        responses_per_s(endpoint, bodies)
        while (committed := _count_items(database) - items_before) < len(images):
            if time.perf_counter() - started_s > JOBS_TIMEOUT_S:
                raise BenchError(f"Only {committed} of {len(images)} jobs of one image ended in {JOBS_TIMEOUT_S} s.")
            time.sleep(POLL_INTERVAL_S)
        return len(images) / (time.perf_counter() - started_s)


def _count_items(database: Database) -> int:
    with database.read.begin() as session:
        return session.scalars(select(func.count()).select_from(Item)).one()

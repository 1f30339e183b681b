"""Migrated databases for the tests, and rows for them."""

from collections.abc import Sequence
from uuid import uuid4

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from core.db.tables import Base, Job, Shard
from core.jobs import submission
from core.jobs.items import InferenceResult
from core.jobs.submission import NewJob, StoredObject
from core.objects.storage import shard_key
from core.settings import ROOT
from core.states import Explain, ItemErrorCode, JobKind

SHARD_IMAGES = 256


def alembic_config(url: str) -> Config:
    """Return Alembic's configuration for the database at this URL."""
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def migrate(url: str) -> None:
    """Migrate the database at this URL to the newest schema."""
    command.upgrade(alembic_config(url), "head")


def empty_tables(url: str) -> None:
    """Delete every row of the Postgres database at this URL."""
    engine = create_engine(url)
    with engine.begin() as connection:
        tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {tables}"))
    engine.dispose()


def submit(
    session: Session,
    *,
    counts: Sequence[int] = (4,),
    owner: str = "ada",
    kind: JobKind = JobKind.BATCH,
    explain: Explain = Explain.CAM,
) -> Job:
    """Insert a bulk job whose shards have these numbers of images; no object is stored."""
    job_id = uuid4().hex
    new = NewJob(
        id=job_id, owner=owner, kind=kind, model_name="fashion-mnist", model_version="1.0.0", precision="fp32",
        top_k=3, retention_s=3600, explain=explain,
    )  # fmt: skip
    stored = [StoredObject(shard_key(job_id, number), "0" * 64, count) for number, count in enumerate(counts, start=1)]
    submission.submit(session, new, stored, interactive_images=0, shard_images=SHARD_IMAGES)
    return session.get_one(Job, job_id)


def results_of(shard: Shard, *, failed: int = 0) -> list[InferenceResult]:
    """Return one result per image of the shard, the first `failed` of them failed."""
    return [
        InferenceResult(
            index=shard.first_index + position,
            name=f"{position}.png",
            sha256="0" * 64,
            size_bytes=1,
            error_code=ItemErrorCode.NOT_AN_IMAGE if number < failed else None,
        )
        for number, position in enumerate(shard.positions)
    ]

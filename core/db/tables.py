"""The tables: keys, jobs, shards, items, archives. The rows are the truth; Celery messages only notify."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, mapped_column, relationship
from sqlalchemy.types import TypeEngine
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from core.db.clock import Instant
from core.states import ArchiveState, Explain, ItemState, JobKind, JobState, Queue, ShardState


class Score(TypedDict):
    """One class of a top-k list; `confidence` is a probability in [0, 1]."""

    label: str
    confidence: float


class Skip(TypedDict):
    """An entry of an upload that is not an image (a folder, a hidden file), and the reason."""

    name: str
    reason: str


def _text_enum(states: type[StrEnum]) -> Enum:
    """Stores the members' values as text under a check constraint (SQLAlchemy's default stores their names)."""
    return Enum(
        states,
        native_enum=False,
        create_constraint=True,
        length=24,
        name=states.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


STATES: tuple[type[StrEnum], ...] = (JobKind, JobState, Queue, Explain, ShardState, ItemState, ArchiveState)
COLUMN_TYPES: dict[Any, TypeEngine[Any]] = {states: _text_enum(states) for states in STATES}
COLUMN_TYPES[datetime] = Instant()


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any]]] = COLUMN_TYPES


class Key(Base):
    """An API key, of which only the SHA-256 of the secret is stored. Its owner is the tenant."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    owner: Mapped[str] = mapped_column(String(100), index=True)
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Job(Base):
    """A job: what a client submits and follows.

    A transaction changes the counters only with the row locked, and raises `revision` with each change. `run` is 1, and
    one more with each retry.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("queued + running + succeeded + failed + cancelled = total", name="sum"),
        CheckConstraint(
            "queued >= 0 AND running >= 0 AND succeeded >= 0 AND failed >= 0 AND cancelled >= 0", name="counters"
        ),
        Index("ix_jobs_listing", "owner", "kind", "created_at", "id"),
        Index("ix_jobs_retention", "expires_at", sqlite_where=text("purged_at IS NULL"),
              postgresql_where=text("purged_at IS NULL")),
        Index("ix_jobs_open", "created_at", sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    kind: Mapped[JobKind]
    queue: Mapped[Queue]
    name: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[JobState]
    run: Mapped[int]
    revision: Mapped[int]

    model_name: Mapped[str] = mapped_column(String(100))
    model_version: Mapped[str] = mapped_column(String(50))
    precision: Mapped[str] = mapped_column(String(10))
    top_k: Mapped[int]
    explain: Mapped[Explain] = mapped_column(server_default=Explain.CAM)

    shards: Mapped[int]
    total: Mapped[int]
    queued: Mapped[int]
    running: Mapped[int]
    succeeded: Mapped[int]
    failed: Mapped[int]
    cancelled: Mapped[int]

    skipped: Mapped[list[Skip]] = mapped_column(JSON)
    skipped_total: Mapped[int]

    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    purged_at: Mapped[datetime | None]


class Shard(Base):
    """A shard: up to a few hundred images of one job, the unit of queueing, leasing and retry.

    `positions` are entries of its stored object; the index of an image is `first_index` + its position.
    `virtual_time` is its place in the fair order of its queue. `attempt` is the fence, raised by every claim; `crashes`
    counts failures that an image may have caused, `expiries` expired leases. Workers may claim the shard from
    `ready_at` on, which a snooze moves.
    """

    __tablename__ = "shards"
    __table_args__ = (
        Index("ix_shards_virtual_time", "queue", "state", "virtual_time", "id"),
        Index("ix_shards_owner_virtual_time", "queue", "owner", "state", "virtual_time"),
        Index("ix_shards_job", "job_id", "state"),
        Index("ix_shards_lease", "state", "lease_until"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    owner: Mapped[str] = mapped_column(String(100))
    queue: Mapped[Queue]
    run: Mapped[int]
    number: Mapped[int]
    object_key: Mapped[str] = mapped_column(String(200))
    object_digest: Mapped[str | None] = mapped_column(String(64))
    positions: Mapped[list[int]] = mapped_column(JSON)
    first_index: Mapped[int]
    count: Mapped[int]

    state: Mapped[ShardState]
    virtual_time: Mapped[int] = mapped_column(BigInteger)
    ready_at: Mapped[datetime]
    attempt: Mapped[int]
    crashes: Mapped[int]
    expiries: Mapped[int]
    leased_by: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]

    engine: Mapped[str | None] = mapped_column(String(20))
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    job: Mapped[Job] = relationship(lazy="raise")


class Item(Base):
    """An item: the result of one image, a prediction or an error with a code. Inserted once, never changed.

    `cam` is float32, little-endian, row by row [`cam_height`, `cam_width`]. `faithfulness`, in [-1, 1], is measured
    only where the job asked for it (`model.explanation.faithfulness`). No foreign key ties an item to its shard
    (ADR 15): the transaction that writes an item has locked its shard, and the one that deletes a shard deletes its
    items afterward.
    """

    __tablename__ = "items"
    __table_args__ = (Index("ix_items_state", "job_id", "state", "index"),)

    job_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    shard_id: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(1000))
    state: Mapped[ItemState]
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    label: Mapped[str | None] = mapped_column(String(200))
    confidence: Mapped[float | None]
    top_k: Mapped[list[Score] | None] = mapped_column(JSON)
    cam: Mapped[bytes | None] = mapped_column(LargeBinary)
    cam_height: Mapped[int | None]
    cam_width: Mapped[int | None]
    faithfulness: Mapped[float | None]
    error_code: Mapped[str | None] = mapped_column(String(50))
    error_message: Mapped[str | None] = mapped_column(String(500))

    shard: Mapped[Shard] = relationship(lazy="raise", primaryjoin=lambda: foreign(Item.shard_id) == Shard.id)


class Archive(Base):
    """An archive: the ZIP a client downloads, built on first request, once per job and run, then immutable."""

    __tablename__ = "archives"
    __table_args__ = (UniqueConstraint("job_id", "run"), Index("ix_archives_open", "state", "lease_until"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    run: Mapped[int]
    state: Mapped[ArchiveState]
    ready_at: Mapped[datetime]
    attempt: Mapped[int]
    failures: Mapped[int]
    leased_by: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None]
    object_key: Mapped[str | None] = mapped_column(String(200))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    job: Mapped[Job] = relationship(lazy="raise")

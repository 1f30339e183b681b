"""The columns lane, round and turn become queue, run and virtual_time, with their constraints and indexes.

Every statement changes the catalog alone: no table is rewritten, however many rows it has.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = [
    ("jobs", "lane", "queue"),
    ("jobs", "round", "run"),
    ("shards", "lane", "queue"),
    ("shards", "round", "run"),
    ("shards", "turn", "virtual_time"),
    ("archives", "round", "run"),
]
CONSTRAINTS = [
    ("jobs", "ck_jobs_lane", "ck_jobs_queue"),
    ("shards", "ck_shards_lane", "ck_shards_queue"),
    ("archives", "uq_archives_job_id_round", "uq_archives_job_id_run"),
]
INDEXES = [
    ("ix_shards_turn", "ix_shards_virtual_time", "queue, state, virtual_time, id", "lane, state, turn, id"),
    (
        "ix_shards_owner_turn",
        "ix_shards_owner_virtual_time",
        "queue, owner, state, virtual_time",
        "lane, owner, state, turn",
    ),
]


def upgrade() -> None:
    for table, old, new in COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    for table, old, new in CONSTRAINTS:
        _rename_constraint(table, old, new)
    for old, new, columns, _ in INDEXES:
        _rename_index(old, new, columns)


def downgrade() -> None:
    for table, old, new in COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
    for table, old, new in CONSTRAINTS:
        _rename_constraint(table, new, old)
    for old, new, _, columns in INDEXES:
        _rename_index(new, old, columns)


def _rename_constraint(table: str, old: str, new: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
        return
    # SQLite has no such statement; its documentation ("Making Other Kinds Of Table Schema Changes") edits the schema's
    # text for changes that leave the stored rows as they are.
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ?", (old, new, table)
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {int(version) + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _rename_index(old: str, new: str, columns: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
        return
    op.execute(f"DROP INDEX {old}")
    op.execute(f"CREATE INDEX {new} ON shards ({columns})")

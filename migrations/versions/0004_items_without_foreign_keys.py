"""Items lose their foreign keys, and the index that served one of them (ADR 15)."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("items") as items:
        items.drop_constraint("fk_items_shard_id_shards", type_="foreignkey")
        items.drop_constraint("fk_items_job_id_jobs", type_="foreignkey")
        items.drop_index("ix_items_shard")


def downgrade() -> None:
    with op.batch_alter_table("items") as items:
        items.create_index("ix_items_shard", ["shard_id"])
        items.create_foreign_key("fk_items_job_id_jobs", "jobs", ["job_id"], ["id"])
        items.create_foreign_key("fk_items_shard_id_shards", "shards", ["shard_id"], ["id"])

"""What a job asks to have explained, and the faithfulness of each item's CAM."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No batch: it would build `jobs` anew on SQLite and lose the checks of its counters.
    known = sa.CheckConstraint("explain IN ('cam', 'full')", name=op.f("ck_jobs_explain"))
    op.add_column("jobs", sa.Column("explain", sa.String(length=24), known, server_default="cam", nullable=False))
    op.add_column("items", sa.Column("faithfulness", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("items", "faithfulness")
    op.drop_column("jobs", "explain")

"""Whom bulk actions affect, and what was before. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("undone_by", sa.Uuid(), nullable=True), schema="onefold")
    op.create_table(
        "bulk_items",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("contact_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("present_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(collation="C"), nullable=True),
        sa.Column("changes", postgresql.JSONB(), nullable=True),
        sa.Column("undone", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["onefold.jobs.job_id"], name=op.f("bulk_items_job_id_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("bulk_items_pk")),
        schema="onefold",
    )
    op.create_index("bulk_items_present", "bulk_items", ["job_id", "present_id"], schema="onefold")

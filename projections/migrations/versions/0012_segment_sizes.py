"""How many customers each segment had on each day. Only adds; see 0001 for what a migration may do."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "segment_sizes",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("segment", sa.Text(collation="C"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("customers", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("counted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "segment", "day", name=op.f("segment_sizes_pk")),
        schema="onefold",
    )

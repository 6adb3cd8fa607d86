"""Which threshold of a quota was announced last. Only adds; see 0001 for what a migration may do."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quota_levels",
        sa.Column("changes_suffix", sa.Text(collation="C"), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("changes_suffix", "tenant", name=op.f("quota_levels_pk")),
        schema="onefold",
    )

"""What came from each source, hour by hour. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0024"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(collation="C"), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "source_hours",
        *map(_text, ("tenant", "source", "channel", "account")),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        *map(_count, ("requests", "events", "unproven", "refused")),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "source", "channel", "account", "hour", name=op.f("source_hours_pk")),
        schema="onefold",
    )

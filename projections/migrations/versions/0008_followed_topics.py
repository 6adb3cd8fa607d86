"""The ids of the topics that a generation folds, and their numbers of partitions. Only adds; see 0001."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generations", sa.Column("topics", postgresql.JSONB(), nullable=True), schema="onefold")

"""What a comparison needs to know of a generation, and its result. Only adds; see 0001 for what a migration may do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("fold_versions", "comparison"):
        op.add_column("generations", sa.Column(name, postgresql.JSONB(), nullable=True), schema="onefold")

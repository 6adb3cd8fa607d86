"""When each API key was used last. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("last_used_at", sa.DateTime(timezone=True)), schema="onefold")

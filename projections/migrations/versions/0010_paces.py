"""How much of the time workers of a generation that is built may work. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generations", sa.Column("pace", sa.Double(), nullable=True), schema="onefold")
    op.add_column("generations", sa.Column("paced_at", sa.DateTime(timezone=True), nullable=True), schema="onefold")

"""What one read model's rebuild needs to know of a generation. Only adds; see 0001 for what a migration may do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "generations",
        sa.Column("read_models", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        schema="onefold",
    )
    op.add_column("generations", sa.Column("model_digests", postgresql.JSONB(), nullable=True), schema="onefold")
    op.execute("CREATE SEQUENCE onefold.generation_numbers MINVALUE 0 START 0")

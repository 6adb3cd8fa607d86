"""What each generation was made of, and what its own topics are called.

Only adds columns; see 0001 for what a migration may do. A generation without a digest was made by code that kept none:
code that knows digests refuses it, as one of another version.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("generations", sa.Column("schema_digest", sa.Text(collation="C"), nullable=True), schema="onefold")
    op.add_column(
        "generations",
        sa.Column("topic_suffix", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        schema="onefold",
    )

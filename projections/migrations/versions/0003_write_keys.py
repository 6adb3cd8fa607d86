"""The write keys of websites: public by nature, and yet kept as hashes, as API keys are.

Only adds a table; see 0001 for what a migration may do.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "write_keys",
        sa.Column("write_key_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("prefix", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["onefold.sources.source"], name=op.f("write_keys_source_fk")),
        sa.PrimaryKeyConstraint("write_key_hash", name=op.f("write_keys_pk")),
        schema="onefold",
    )
    op.create_index(op.f("write_keys_source_ix"), "write_keys", ["source"], unique=False, schema="onefold")

"""Sessions of the web console, and links that begin one. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0017"
branch_labels = None
depends_on = None


def _columns(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f(f"{table}_tenant_fk")),
    ]


def upgrade() -> None:
    op.create_table(
        "console_links",
        sa.Column("link_hash", postgresql.BYTEA(), nullable=False),
        *_columns("console_links"),
        sa.PrimaryKeyConstraint("link_hash", name=op.f("console_links_pk")),
        schema="onefold",
    )
    op.create_table(
        "console_sessions",
        sa.Column("session_hash", postgresql.BYTEA(), nullable=False),
        *_columns("console_sessions"),
        sa.Column("key_hash", postgresql.BYTEA(), nullable=True),
        sa.ForeignKeyConstraint(["key_hash"], ["onefold.keys.key_hash"], name=op.f("console_sessions_key_hash_fk")),
        sa.PrimaryKeyConstraint("session_hash", name=op.f("console_sessions_pk")),
        schema="onefold",
    )
    for table in ("console_links", "console_sessions"):
        op.create_index(op.f(f"{table}_expires_at_ix"), table, ["expires_at"], schema="onefold")

"""Keys of personal data in the log, in a schema of their own. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0026"
branch_labels = None
depends_on = None

_SCHEMA = "onefold_keys"


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
    op.create_table(
        "tenant_keys",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("wrapped", postgresql.BYTEA(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("tenant", name=op.f("tenant_keys_pk")),
        schema=_SCHEMA,
    )
    op.create_table(
        "subject_keys",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", postgresql.BYTEA(), nullable=False),
        sa.Column("key_id", postgresql.BYTEA(), nullable=False),
        sa.Column("wrapped", postgresql.BYTEA(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", name=op.f("subject_keys_pk")),
        schema=_SCHEMA,
    )
    op.create_table(
        "destroyed_keys",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("key_id", postgresql.BYTEA(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _now("destroyed_at"),
        sa.PrimaryKeyConstraint("tenant", "key_id", name=op.f("destroyed_keys_pk")),
        schema=_SCHEMA,
    )
    op.create_index(op.f("destroyed_keys_number_ix"), "destroyed_keys", ["number"], schema=_SCHEMA)

"""Tenants, keys, sources, and which generation is active.

Expand first, contract later: the code of the release before runs beside this schema, so a migration only adds (a table,
a column that may be null or has a default, an index on a small table). What is no longer used goes in a release of its
own, after no running code reads or writes it. Never rename. There is no way down: to go back is to run the release
before on this schema. Locks are waited for 2 seconds at most (env.py): a migration that needs longer has to be cut
smaller, not to be given more time.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "generations",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('building', 'active', 'retired')", name=op.f("generations_state_ck")),
        sa.PrimaryKeyConstraint("name", name=op.f("generations_pk")),
        schema="onefold",
    )
    op.create_index(
        "generations_one_active_ix",
        "generations",
        ["state"],
        unique=True,
        schema="onefold",
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_table(
        "tenants",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("default_region", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("tenants_pk")),
        schema="onefold",
    )
    op.create_table(
        "keys",
        sa.Column("key_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("prefix", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f("keys_tenant_fk")),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("keys_pk")),
        schema="onefold",
    )
    op.create_index(op.f("keys_tenant_ix"), "keys", ["tenant"], unique=False, schema="onefold")
    op.create_table(
        "sources",
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("account", sa.Text(collation="C"), nullable=False),
        sa.Column("provider", sa.Text(collation="C"), nullable=True),
        sa.Column("sealed_secrets", postgresql.ARRAY(postgresql.BYTEA()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f("sources_tenant_fk")),
        sa.PrimaryKeyConstraint("source", name=op.f("sources_pk")),
        schema="onefold",
    )
    op.create_index(op.f("sources_tenant_ix"), "sources", ["tenant"], unique=False, schema="onefold")

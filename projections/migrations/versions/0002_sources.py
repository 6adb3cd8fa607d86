"""Sources of any account, with options, that can be disabled; and requests to delete somebody's data.

Expand first, contract later: the code of the release before runs beside this schema, so a migration only adds (a table,
a column that may be null or has a default, an index on a small table). What is no longer used goes in a release of its
own, after no running code reads or writes it. Never rename. There is no way down: to go back is to run the release
before on this schema. Locks are waited for 2 seconds at most (env.py): a migration that needs longer has to be cut
smaller, not to be given more time.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("sources", "account", existing_type=sa.Text(collation="C"), nullable=True, schema="onefold")
    op.add_column("sources", sa.Column("sealed_verify_token", postgresql.BYTEA(), nullable=True), schema="onefold")
    op.add_column(
        "sources",
        sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        schema="onefold",
    )
    op.add_column(
        "sources",
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        schema="onefold",
    )
    op.add_column("sources", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True), schema="onefold")
    op.create_table(
        "deletion_requests",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("sealed_subject", postgresql.BYTEA(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), server_default=sa.text("'received'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('received', 'done', 'refused')", name=op.f("deletion_requests_state_ck")),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f("deletion_requests_tenant_fk")),
        sa.PrimaryKeyConstraint("code", name=op.f("deletion_requests_pk")),
        schema="onefold",
    )
    op.create_index(
        op.f("deletion_requests_tenant_ix"), "deletion_requests", ["tenant"], unique=False, schema="onefold"
    )

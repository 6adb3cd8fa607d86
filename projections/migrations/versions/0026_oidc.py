"""OpenID providers of tenants, used sign-ins, and who a console session is of. Only adds; see 0001."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oidc_providers",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", postgresql.BYTEA(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("ask", sa.Text(), nullable=False),
        sa.Column("any_email", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f("oidc_providers_tenant_fk")),
        sa.PrimaryKeyConstraint("tenant", name=op.f("oidc_providers_pk")),
        schema="onefold",
    )
    op.create_table(
        "console_used_states",
        sa.Column("state_hash", postgresql.BYTEA(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("console_used_states_pk")),
        schema="onefold",
    )
    op.create_index(op.f("console_used_states_expires_at_ix"), "console_used_states", ["expires_at"], schema="onefold")
    person = sa.Column("person", sa.Text(), server_default="", nullable=False)
    begun_at = sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    for column in (person, begun_at):
        op.add_column("console_sessions", column, schema="onefold")

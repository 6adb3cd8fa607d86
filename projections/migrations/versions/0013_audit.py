"""Rate limits of keys, and the audit trail. Only adds; see 0001 for what a migration may do."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("keys", sa.Column("rate", sa.Double(), nullable=True), schema="onefold")
    op.add_column("keys", sa.Column("burst", sa.Double(), nullable=True), schema="onefold")
    op.create_table(
        "audit",
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("key_prefix", sa.Text(collation="C"), nullable=False),
        sa.Column("key_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("named_by", sa.Text(), nullable=True),
        sa.Column("object_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "at", "request_id", name=op.f("audit_pk")),
        schema="onefold",
    )
    op.create_index("audit_key_ix", "audit", ["tenant", "key_prefix", "at"], unique=False, schema="onefold")
    op.create_index("audit_action_ix", "audit", ["tenant", "action", "at"], unique=False, schema="onefold")
    op.create_index(
        "audit_object_ids_ix", "audit", ["object_ids"], unique=False, schema="onefold", postgresql_using="gin"
    )

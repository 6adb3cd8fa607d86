"""People to erase, and the receipts. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "erasure_orders",
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("contacts", sa.BigInteger(), nullable=False),
        sa.Column("sealed_contacts", postgresql.BYTEA(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", moment, server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", moment, nullable=True),
        sa.Column("receipt", postgresql.JSONB(), nullable=True),
        sa.Column("signature", postgresql.BYTEA(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f("erasure_orders_tenant_fk")),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("erasure_orders_pk")),
        schema="onefold",
    )
    columns = ["tenant", "requested_at", "erasure_id"]
    op.create_index("erasure_orders_of_tenant", "erasure_orders", columns, schema="onefold")

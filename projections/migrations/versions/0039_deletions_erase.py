"""The request for deletion that an erasure answers. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("erasure_orders", sa.Column("deletion", sa.Text(collation="C"), nullable=True), schema="onefold")
    op.create_index(
        "erasure_orders_of_deletion",
        "erasure_orders",
        ["deletion"],
        schema="onefold",
        postgresql_where=sa.text("deletion IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("erasure_orders_deletion_fk"),
        "erasure_orders",
        "deletion_requests",
        ["deletion"],
        ["code"],
        source_schema="onefold",
        referent_schema="onefold",
    )

"""States of a generation that is rebuilt beside the active one, and one outbox for all generations.

Only adds; see 0001 for what a migration may do. A generation of the code before keeps an outbox of its own: its rows
are moved over when another generation takes its place, so that its workers can go on until then.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "generations",
        sa.Column("changes_suffix", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        schema="onefold",
    )
    op.execute("UPDATE onefold.generations SET changes_suffix = topic_suffix")
    for name in ("hold", "accepted"):
        op.add_column("generations", sa.Column(name, postgresql.JSONB(), nullable=True), schema="onefold")
    for name in ("as_of", "known_at", "caught_up_at", "compared_at"):
        op.add_column("generations", sa.Column(name, sa.DateTime(timezone=True), nullable=True), schema="onefold")
    op.drop_constraint(op.f("generations_state_ck"), "generations", schema="onefold")
    op.create_check_constraint(
        op.f("generations_state_ck"),
        "generations",
        "state IN ('building', 'active', 'standby', 'retired')",
        schema="onefold",
    )
    op.create_table(
        "change_sequences",
        sa.Column("changes_suffix", sa.Text(collation="C"), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("changes_suffix", "tenant", "customer_id", name=op.f("change_sequences_pk")),
        schema="onefold",
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "outbox",
        sa.Column("changes_suffix", sa.Text(collation="C"), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("changes_suffix", "tenant", "customer_id", "seq", "part", name=op.f("outbox_pk")),
        schema="onefold",
    )
    op.create_index("outbox_in_order", "outbox", ["changes_suffix", "tenant", "id"], schema="onefold")
    op.create_table(
        "outbox_positions",
        sa.Column("topic", sa.Text(collation="C"), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("outbox_positions_pk")),
        schema="onefold",
    )

"""Endpoints of outbound webhooks, what waits for them, and attempts. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0021"
branch_labels = None
depends_on = None


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_endpoint(table: str, key: str) -> list[sa.schema.SchemaItem]:
    """The columns of a table's key: an endpoint, and a number."""
    return [
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column(key, sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["onefold.webhook_endpoints.endpoint_id"],
            name=op.f(f"{table}_endpoint_id_fk"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("endpoint_id", key, name=op.f(f"{table}_pk")),
    ]


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(collation="C"), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.Column("sealed_secret", postgresql.BYTEA(), nullable=False),
        sa.Column("sealed_former", postgresql.BYTEA(), nullable=True),
        _time("former_until"),
        sa.Column("topic_id", sa.Uuid(), nullable=False),
        sa.Column("offsets", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _time("succeeded_at"),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _time("failing_since"),
        _time("disabled_at"),
        sa.Column("disabled_because", sa.Text(), nullable=True),
        sa.Column("turn", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _time("leased_until"),
        sa.CheckConstraint("form IN ('standard', 'omnichat')", name=op.f("webhook_endpoints_form_ck")),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f("webhook_endpoints_tenant_fk")),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("webhook_endpoints_pk")),
        schema="onefold",
    )
    op.create_index(op.f("webhook_endpoints_tenant_ix"), "webhook_endpoints", ["tenant"], schema="onefold")
    op.create_table(
        "webhook_waiting",
        *_of_endpoint("webhook_waiting", "position"),
        sa.Column("customer", sa.Text(collation="C"), nullable=False),
        sa.Column("payload", postgresql.BYTEA(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _time("failing_since"),
        _time("next_at", nullable=False),
        schema="onefold",
    )
    op.create_index(
        "webhook_waiting_of_customer", "webhook_waiting", ["endpoint_id", "customer", "position"], schema="onefold"
    )
    op.create_table(
        "webhook_attempts",
        *_of_endpoint("webhook_attempts", "attempt_id"),
        _time("at", nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=False),
        schema="onefold",
    )
    op.create_index("webhook_attempts_at", "webhook_attempts", ["at"], schema="onefold")

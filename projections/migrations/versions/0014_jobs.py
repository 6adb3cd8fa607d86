"""Long work and the files that it makes. Only adds; see 0001 for what may be done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _time("started_at"),
        _time("finished_at"),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("interruptions", sa.Integer(), server_default=sa.text("0"), nullable=False),
        _time("leased_until"),
        sa.Column("checkpoint", postgresql.JSONB(), nullable=True),
        sa.Column("problem", postgresql.JSONB(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("file_type", sa.Text(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("file_sha256", postgresql.BYTEA(), nullable=True),
        _time("file_expires_at"),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name=op.f("jobs_state_ck")
        ),
        sa.ForeignKeyConstraint(["tenant"], ["onefold.tenants.tenant"], name=op.f("jobs_tenant_fk")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("jobs_pk")),
        schema="onefold",
    )
    op.create_index("jobs_of_tenant", "jobs", ["tenant", "requested_at", "job_id"], schema="onefold")
    op.create_index(
        "jobs_unfinished", "jobs", ["tenant"], schema="onefold", postgresql_where=sa.text("finished_at IS NULL")
    )
    op.create_index(
        "jobs_finished", "jobs", ["finished_at"], schema="onefold", postgresql_where=sa.text("finished_at IS NOT NULL")
    )
    op.create_table(
        "job_files",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", postgresql.BYTEA(), nullable=False),
        sa.Column("content", postgresql.BYTEA(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["onefold.jobs.job_id"], name=op.f("job_files_job_id_fk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "part", name=op.f("job_files_pk")),
        schema="onefold",
    )
    # A piece of a part is read without unpacking the whole, and a file is written once and soon deleted.
    op.execute("ALTER TABLE onefold.job_files ALTER COLUMN content SET STORAGE EXTERNAL")

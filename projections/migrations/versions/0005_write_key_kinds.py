"""Two kinds of write keys: public ones stand in a website's pages, its server's keys are secret.

Only adds a column; see 0002 for what a migration may do. The keys that exist stand in pages, so they are public.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "write_keys",
        sa.Column("kind", sa.Text(collation="C"), server_default=sa.text("'public'"), nullable=False),
        schema="onefold",
    )
    op.create_check_constraint(
        op.f("write_keys_kind_ck"), "write_keys", "kind IN ('public', 'server')", schema="onefold"
    )

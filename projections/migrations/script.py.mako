"""${message}.

Expand first, contract later: the code of the release before runs beside this schema, so a migration only adds (a table,
a column that may be null or has a default, an index on a small table). What is no longer used goes in a release of its
own, after no running code reads or writes it. Never rename. There is no way down: to go back is to run the release
before on this schema. Locks are waited for 2 seconds at most (env.py): a migration that needs longer has to be cut
smaller, not to be given more time.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}

"""What an older version kept in PostgreSQL: `before_digests.sql` says how it was made."""

from pathlib import Path
from typing import Final

from projections.engine.connection import Connection

_DUMP: Final = Path(__file__).with_name("before_digests.sql")
OLDER_EVENTS: Final = 19  # that the dump's generation has folded


async def load_older_data(connection: Connection) -> None:
    """Replace the control tables, and the generation if there is one, by those of the older version."""
    await connection.execute("DROP SCHEMA IF EXISTS g1, onefold_keys CASCADE; DROP SCHEMA onefold CASCADE")
    await connection.execute(_DUMP.read_text())

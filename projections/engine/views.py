"""Views of the active generation, for people who ask in SQL: they stay where they are while generations come and go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from projections.engine.connection import Connection
from projections.engine.statements import compiled

VIEWS_SCHEMA: Final = "onefold_views"


@dataclass(frozen=True)
class View:
    """A view: its columns are those of the select, each with a comment.

    Columns are only ever added, at the end: only so does PostgreSQL replace a view and keep its grants.
    """

    name: str
    comment: str
    select: sa.Select[tuple[object, ...]]
    columns: Mapping[str, str]


async def point_views(connection: Connection, generation: str, views: Iterable[View]) -> None:
    """Have the views show this generation's tables. Call it in the transaction that makes the generation active."""
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {VIEWS_SCHEMA}")
    await connection.execute(f"SET LOCAL search_path TO {generation}")
    for view in views:
        name = f"{VIEWS_SCHEMA}.{view.name}"
        await connection.execute(f"CREATE OR REPLACE VIEW {name} AS {compiled(view.select)}")
        await connection.execute(f"COMMENT ON VIEW {name} IS {_quoted(view.comment)}")
        for column, comment in view.columns.items():
            await connection.execute(f'COMMENT ON COLUMN {name}."{column}" IS {_quoted(comment)}')


def moment(ms: sa.ColumnElement[int] | sa.ColumnElement[int | None]) -> sa.ColumnElement[object]:
    """A time in ms as ``timestamptz``."""
    return sa.func.to_timestamp(ms / sa.literal_column("1000.0"), type_=postgresql.TIMESTAMP(timezone=True))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

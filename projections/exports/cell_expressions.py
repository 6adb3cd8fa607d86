"""SQL expressions of cells: texts as `cells` has them, and times. So PostgreSQL writes a file without Python's help."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by

from projections.exports.cells import RUNNABLE

CellSql = sa.ColumnElement[Any]
_SEPARATOR: Final = sa.literal(";", sa.Text())
# Code points of first characters with which no text can run. They are most, so that few texts are matched.
_HARMLESS: Final = ((0x41, 0x7E), (0x30, 0x3C), (0x3400, 0xD7A3))
_EPOCH: Final[CellSql] = sa.literal_column("TIMESTAMP '1970-01-01'")
_MILLISECOND: Final[CellSql] = sa.literal_column("INTERVAL '1 millisecond'")
_MS: Final[CellSql] = sa.literal_column("1000::float8")
_NUMBER: Final = r"^\+[0-9]+$"  # without a count of digits, which would take several times as long
_LENGTHS: Final = (4, 21)


def neutral_cell(text: CellSql) -> CellSql:
    """`cells.neutral` of a column, null for an empty text. The column is named several times, so it must be a value."""
    first = sa.func.ascii(text)  # the code point
    return sa.case(
        (text.is_(None), sa.null()),  # first, since many columns are empty
        (sa.or_(*(first.between(*limits) for limits in _HARMLESS)), text),
        (text.regexp_match(f"^{RUNNABLE}"), sa.literal("'", sa.Text()) + text),
        else_=sa.func.nullif(text, ""),
    )


def phone_cell(text: CellSql) -> CellSql:
    """A number as customers have it, ``+886…``, is no formula and stays; anything else is a text."""
    is_number = sa.and_(sa.func.length(text).between(*_LENGTHS), text.regexp_match(_NUMBER))
    return sa.case((is_number, text), else_=neutral_cell(text))


def attribute_cell(value: CellSql) -> CellSql:
    """The text of a JSON value; only what is a text by itself could run."""
    text = value.op("#>>", return_type=sa.Text())(sa.literal_column("'{}'"))
    return sa.case((sa.func.jsonb_typeof(value) == "string", neutral_cell(text)), else_=text)


def yes_cell(value: CellSql) -> CellSql:
    """The text of a truth value; null is false."""
    return sa.case((value, "true"), else_="false")


def time_cell(time: CellSql, zone: CellSql | None) -> CellSql:
    """A time in ms: ISO 8601 in UTC, or, where a zone is given, to the second in that zone."""
    if zone is None:
        return sa.func.to_char(_EPOCH + time * _MILLISECOND, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    return sa.func.to_char(sa.func.timezone(zone, sa.func.to_timestamp(time / _MS)), "YYYY-MM-DD HH24:MI:SS")


def escaped(text: CellSql) -> CellSql:
    """A text as one of several in a cell."""
    return sa.func.replace(sa.func.replace(text, "\\", "\\\\"), ";", "\\;")


def joined_by(texts: CellSql, *order: CellSql) -> CellSql:
    """An aggregate: `cells.joined` of texts, in an order; null for none."""
    return sa.func.string_agg(escaped(texts), aggregate_order_by(_SEPARATOR, *order))


def joined_distinct(texts: CellSql) -> CellSql:
    """An aggregate: `cells.joined` of the different texts, sorted, without empty ones; null for none."""
    one = escaped(texts)
    return sa.func.string_agg(sa.distinct(one), aggregate_order_by(_SEPARATOR, one)).filter(texts != "")

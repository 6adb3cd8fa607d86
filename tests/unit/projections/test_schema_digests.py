"""A generation's digest tells generations of other tables and other folds apart, and nothing else."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from projections.engine.generation_schema import GenerationSchema
from projections.engine.metadata import Json, define
from projections.registry import PROJECTIONS, SCHEMA


class Note(NamedTuple):
    tenant: str
    contact_id: UUID
    text: str | None = None


class JsonNote(NamedTuple):
    tenant: str
    contact_id: UUID
    text: Json | None = None


class NoteWithText(NamedTuple):
    tenant: str
    contact_id: UUID
    text: str = ""


def table(
    row: type[tuple[object, ...]] = Note, *more: sa.schema.SchemaItem, name: str = "notes", key: int = 2, full: int = 85
) -> sa.Table:
    return define(name, row, *more, key=key, fillfactor=full, metadata=sa.MetaData())


def digest(*tables: sa.Table, **versions: int) -> str:
    return GenerationSchema(tables, versions or {"notes": 1}).digest


def test_another_table_column_key_index_or_version_is_another_digest() -> None:
    digests = [
        digest(table()),
        digest(table(JsonNote)),
        digest(table(NoteWithText)),
        digest(table(name="memos")),
        digest(table(key=1)),
        digest(table(full=70)),
        digest(table(Note, sa.Index("newest", "tenant", "text"))),
        digest(table(Note, sa.Index("newest", "text", "tenant"))),
        digest(table(Note, sa.Column("id", sa.BigInteger()))),
        digest(table(), table(name="memos")),
        digest(table(), notes=2),
        digest(table(), notes=1, memos=1),
    ]
    assert len(set(digests)) == len(digests)


def test_the_order_of_tables_indexes_and_versions_is_no_difference() -> None:
    indexes = [("by_text", "text"), ("by_tenant", "tenant")]
    one, other = (table(Note, *(sa.Index(*index) for index in order)) for order in (indexes, indexes[::-1]))
    memos = table(name="memos")
    assert digest(one, memos, notes=1, memos=2) == digest(memos, other, memos=2, notes=1)


def test_every_read_model_has_its_part_in_the_digest() -> None:
    others = {"timeline", "erasures", "intrinsics", "identity", "customer_rows", "quota_days"}
    assert set(SCHEMA.fold_versions) == {one.table.name for one in PROJECTIONS} | others
    names = [table.name for table in SCHEMA.tables]
    assert len(names) == len(set(names))
    assert {"offsets", "timeline", "intrinsics", *(one.table.name for one in PROJECTIONS)} < set(names)

"""The usual way's classes stand for the same tables."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from benchmarks.end_to_end.stock_models import MODELS, assign, row_of
from projections.engine.metadata import key_columns, row_columns, row_type
from projections.registry import CONTACT_TABLES


@pytest.mark.parametrize("table", CONTACT_TABLES, ids=lambda table: table.name)
def test_every_table_has_a_class_with_its_columns_and_key(table: sa.Table) -> None:
    mapped = MODELS[table].__table__
    assert [column.name for column in mapped.columns] == [column.name for column in row_columns(table)]
    assert [column.name for column in mapped.primary_key] == [column.name for column in key_columns(table)]


@pytest.mark.parametrize("table", CONTACT_TABLES, ids=lambda table: table.name)
def test_an_entity_says_what_its_row_says(table: sa.Table) -> None:
    values = [
        UUID(int=number) if isinstance(column.type, sa.Uuid) else number
        for number, column in enumerate(row_columns(table))
    ]
    entity, row = MODELS[table](), row_type(table)(*values)
    assign(table, entity, row)
    assert row_of(table, entity) == row

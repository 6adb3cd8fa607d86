"""The usual way's classes stand for the same tables."""

from uuid import UUID

import pytest

from benchmarks.end_to_end.stock_models import MODELS, assign, row_of
from projections.engine.table import Table
from projections.registry import CONTACT_TABLES


@pytest.mark.parametrize("table", CONTACT_TABLES, ids=lambda table: table.name)
def test_every_table_has_a_class_with_its_columns_and_key(table: Table) -> None:
    mapped = MODELS[table].__table__
    assert [column.name for column in mapped.columns] == [column.name for column in table.columns]
    assert [column.name for column in mapped.primary_key] == [column.name for column in table.key_columns]


@pytest.mark.parametrize("table", CONTACT_TABLES, ids=lambda table: table.name)
def test_an_entity_says_what_its_row_says(table: Table) -> None:
    values = [UUID(int=number) if column.type == "uuid" else number for number, column in enumerate(table.columns)]
    entity, row = MODELS[table](), table.row(*values)
    assign(table, entity, row)
    assert row_of(table, entity) == row

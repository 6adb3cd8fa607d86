"""Generations of the same code are compared without exceptions."""

import pytest

from projections.comparable import COMPARED, change_of
from projections.engine.comparison import ComparedTable
from projections.registry import SCHEMA

COLUMNS = {one.name: [column.name for column in one.table.columns] for one in COMPARED}


@pytest.mark.parametrize("compared", COMPARED, ids=lambda one: one.name)
def test_a_table_that_the_same_code_made_may_not_differ(compared: ComparedTable) -> None:
    assert change_of(compared, COLUMNS, SCHEMA.fold_versions) is None


@pytest.mark.parametrize("compared", COMPARED, ids=lambda one: one.name)
def test_a_table_of_another_version_of_its_fold_may_differ(compared: ComparedTable) -> None:
    former = {fold: version - 1 for fold, version in SCHEMA.fold_versions.items()}
    assert "version of its fold" in (change_of(compared, COLUMNS, former) or "")

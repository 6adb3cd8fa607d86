"""Statements of searches are compiled once for each shape: none may be taken for another one's."""

from random import Random

import sqlalchemy as sa

from projections.customers.search import filters
from projections.customers.search.asking import AskedAt, QuotaEnd
from projections.customers.search.conditions import Conditions, StatementParameters
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.statements import compiled, compiled_once
from tests.support.searches import random_filter
from tests.support.strategies import BASE_MS


def test_a_statement_that_was_compiled_before_has_its_own_text() -> None:
    chance, texts = Random(1), set()
    for _ in range(400):
        node = filters.parse(random_filter(chance))
        asked = AskedAt(BASE_MS, chance.choice([None, QuotaEnd(BASE_MS, "line", "oa1", "U1")]))
        parameters = StatementParameters()
        statement = sa.select(CUSTOMER_ROWS.c.customer_id).where(Conditions("demo", asked, parameters).of(node))
        statement = statement.limit(parameters(chance.randrange(100), sa.BigInteger()))
        texts.add(compiled(statement, *parameters.values))
        assert compiled_once(statement, *parameters.values) == compiled(statement, *parameters.values)
    assert len(texts) > 100


def test_what_a_literal_says_is_part_of_the_shape() -> None:
    texts = [compiled_once(sa.select(sa.literal(one))) for one in (1, 2, True, "1")]
    assert len(set(texts)) == len(texts)

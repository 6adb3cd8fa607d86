"""Answers about the values that a tenant's customers have of the fields of filters."""

from typing import Final

from projections.customers.search.fields import FIELD_BY_KEY
from projections.customers.search.known_values import KnownValues, ValuesAsked, attribute_values, values_of
from projections.customers.terms import LONGEST
from projections.segments.queries import segments_after
from services.query.core.errors import BadCursor, NotFound
from services.query.core.field_models import FieldValue, FieldValues
from services.query.handlers.snapshots import snapshot
from services.query.ports import ReadModels

_NO_VALUES: Final = "There is no such field, or its values are not listed."


class FieldReader:
    """Answers for one tenant at a time. Every method raises ReadModelsUnavailable."""

    def __init__(self, read_models: ReadModels) -> None:
        self._read_models = read_models

    async def values(self, tenant: str, key: str, asked: ValuesAsked, now: int) -> FieldValues:
        """The next values of a field, at the moment ``now``. Raises NotFound."""
        field = FIELD_BY_KEY.get(key)
        if field is not None and field.kind == "segment":
            return await self._segments(tenant, asked)
        if field is None or field.term is None:
            raise NotFound(_NO_VALUES)
        async with snapshot(self._read_models, tenant) as moment:
            found = await values_of(moment.connection, tenant, field.term, asked, now)
        return _page(found, may_be_cut=True)

    async def attribute_values(self, tenant: str, key: str, asked: ValuesAsked) -> FieldValues:
        """The next values of an attribute. Raises BadCursor."""
        try:
            async with snapshot(self._read_models, tenant) as moment:
                found = await attribute_values(moment.connection, tenant, key, asked)
        except ValueError as error:
            raise BadCursor(BadCursor.__doc__) from error
        return _page(found, may_be_cut=False)

    async def _segments(self, tenant: str, asked: ValuesAsked) -> FieldValues:
        prefix, after, limit = asked
        async with snapshot(self._read_models, tenant) as moment:
            found = await segments_after(moment.connection, tenant, after, limit + 1, prefix=prefix)
        values = [FieldValue(value=one.segment, customers=None, label=one.name) for one in found[:limit]]
        return FieldValues(values=values, exact=True, next=found[limit - 1].segment if len(found) > limit else None)


def _page(found: KnownValues, *, may_be_cut: bool) -> FieldValues:
    values = [
        FieldValue(value=value, customers=customers, cut=may_be_cut and len(value) >= LONGEST)
        for value, customers in found.values
    ]
    return FieldValues(values=values, exact=found.exact, next=found.next)

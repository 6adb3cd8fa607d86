"""An export as its job has it: the order, and what it came to when it was asked for."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from pydantic import TypeAdapter

from projections.customers.search.asking import AskedAt
from projections.customers.search.filters import FilterNode
from projections.customers.search.queries import Search
from projections.exports.order import ExportOrder
from projections.exports.queries import ExportStatement

EXPORT: Final = "export"  # the kind of its jobs
# Without the limits of an order: it has what the segments asked for, which counts apart.
_FILTERS: Final[TypeAdapter[FilterNode]] = TypeAdapter(FilterNode)


class ExportRequest(NamedTuple):
    """An order; its filter as it is searched; the attributes' keys; and the moment of asking, in ms."""

    order: ExportOrder
    filter: FilterNode
    attributes: list[str]
    asked_at: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The request in a job's parameters."""
        order, searched = (
            ExportOrder.model_validate(parameters["order"]),
            _FILTERS.validate_python(parameters["filter"]),
        )
        return cls(order, searched, parameters["attributes"], parameters["asked_at"])

    @property
    def parameters(self) -> dict[str, Any]:
        """The job's parameters, as JSON."""
        return {
            "order": self.order.model_dump(mode="json", exclude_none=True),
            "filter": _FILTERS.dump_python(self.filter, mode="json", exclude_none=True),
            "attributes": self.attributes,
            "asked_at": self.asked_at,
        }

    def statement(self, tenant: str, asked: AskedAt) -> ExportStatement:
        """The statement that gives the rows."""
        return ExportStatement(Search(tenant, self.filter, asked), self.order, self.attributes)

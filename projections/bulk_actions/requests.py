"""A bulk action as its job has it: the order, and what its filter came to when it was asked for."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from pydantic import TypeAdapter

from projections.bulk_actions.order import BulkOrder
from projections.customers.search.filters import FilterNode

BULK_ACTION: Final = "bulk_action"  # the kinds of its jobs
BULK_UNDO: Final = "bulk_undo"
# Without the limits of an order: it has what the segments asked for, which counts apart.
_FILTERS: Final[TypeAdapter[FilterNode]] = TypeAdapter(FilterNode)


class BulkRequest(NamedTuple):
    """An order; its filter as it is searched; and the moment of asking, in ms."""

    order: BulkOrder
    filter: FilterNode
    asked_at: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Self:
        """The request in a job's parameters."""
        searched = _FILTERS.validate_python(parameters["filter"])
        return cls(BulkOrder.model_validate(parameters["order"]), searched, parameters["asked_at"])

    @property
    def parameters(self) -> dict[str, Any]:
        """The job's parameters, as JSON."""
        return {
            "order": self.order.model_dump(mode="json", exclude_none=True),
            "filter": _FILTERS.dump_python(self.filter, mode="json", exclude_none=True),
            "asked_at": self.asked_at,
        }

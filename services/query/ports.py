"""What the read API needs from outside: the active generation's tables, and a place to try policies.

QueryUnavailable
├── ReadModelsUnavailable   503
├── PreviewBusy             429
└── EvidenceTooLarge        503
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from projections.engine.connection import Connection
from services.query.core.policy_models import Preview


class QueryUnavailable(Exception):
    """It can't be answered just now, through no fault of the reader's."""


class ReadModelsUnavailable(QueryUnavailable):
    """The read models can't be read just now; try again in a moment."""


class PreviewBusy(QueryUnavailable):
    """Another preview is being made; ask again in a while."""


class EvidenceTooLarge(QueryUnavailable):
    """The evidence is more than can be resolved here in time."""


class ReadModels(Protocol):
    """The active generation's tables."""

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection on which the tables' names need no schema; it is given back at the end.

        Raises ReadModelsUnavailable, at any point. Two connections may be of two generations.
        """
        ...


class PolicyPreviewer(Protocol):
    """Tries a policy on a tenant's real evidence."""

    async def preview(self, tenant: str, wishes: Mapping[str, Any]) -> Preview:
        """What the policy, as valid JSON, would make of the tenant's customers.

        Raises PreviewBusy, EvidenceTooLarge and ReadModelsUnavailable.
        """
        ...

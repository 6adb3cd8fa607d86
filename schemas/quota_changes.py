"""The records of the customer-changes topic that are about a tenant's quota, and no customer.

Their key has the nil UUID in the place of a customer. ``seq`` counts a tenant's crossings from 1, without gaps, and
consumers must ignore one that they have already processed.
"""

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field, NonNegativeInt, ValidationError

from schemas.events.base import Frozen, Millis, TenantId

Threshold = Literal[80, 90, 100]
THRESHOLDS: Final[tuple[Threshold, ...]] = (80, 90, 100)
NO_CUSTOMER: Final = UUID(int=0)


class QuotaCrossed(Frozen):
    """What is used of a tenant's quota crossed a threshold, in percent of the limit.

    ``direction`` is *up* where the threshold is reached now, *down* where it is not reached any more. ``used`` and
    ``limit`` are the numbers at that moment, in the ``unit`` of the quota; ``at`` is when the crossing was seen.
    Whoever crosses several thresholds at once gets a record for each of them.
    """

    schema_version: Literal[1] = 1
    tenant: TenantId
    type: Literal["quota_crossed"] = "quota_crossed"
    seq: Annotated[int, Field(ge=1)] = 1
    threshold: Threshold
    direction: Literal["up", "down"]
    used: NonNegativeInt
    limit: NonNegativeInt
    unit: Literal["contacts", "customers"]
    at: Millis


def encode_crossing(crossing: QuotaCrossed) -> bytes:
    """The crossing as a record's value."""
    return crossing.__pydantic_serializer__.to_json(crossing)


def crossing_in(raw: bytes | None) -> QuotaCrossed | None:
    """The crossing in a record's value, or None if the value is something else."""
    try:
        return QuotaCrossed.model_validate_json(raw or b"")
    except ValidationError:
        return None

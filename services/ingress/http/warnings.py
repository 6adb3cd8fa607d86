"""The part of an answer that lists values which are in the log but are no evidence."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field, PositiveInt

from services.ingress.core.stated_values import StatedValue
from services.ingress.handlers.value_warnings import MOST_WARNINGS, warnings_of
from services.ingress.ports import IdentityReads
from services.runtime.api import Answer

_WARNINGS: Final = "Values that are in the log but are no evidence of identity under the tenant's policy."


class ShownWarning(Answer):
    """A value that is no evidence, and why; it has no contact where it is stated of the tenant's member ids."""

    contact: str | None = None
    type: str
    value: str
    reason: Literal["no_value", "blocked", "too_many_claims"]
    detail: str = Field(examples=["the phone +551 is no valid number"])


class WarningAnswer(Answer):
    """An answer that lists values which are no evidence; without any, it does not have these fields."""

    warnings: Annotated[list[ShownWarning], Field(max_length=MOST_WARNINGS)] | None = Field(None, description=_WARNINGS)
    warnings_left_off: PositiveInt | None = Field(None, description="How many more there are.")


async def warning_fields(identity: IdentityReads, tenant: str, stated: Sequence[StatedValue]) -> dict[str, Any]:
    """The fields of a WarningAnswer as JSON; none where every value is evidence. Never raises."""
    warnings = await warnings_of(tenant, stated, identity)
    if not warnings.first:
        return {}
    shown = [{name: part for name, part in one._asdict().items() if part is not None} for one in warnings.first]
    return {"warnings": shown} | ({"warnings_left_off": warnings.left_off} if warnings.left_off else {})

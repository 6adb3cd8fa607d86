"""The part of an answer that lists values which were taken but do not count as their sender meant."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field, PositiveInt

from services.ingress.core.stated_values import StatedValue, ValueWarning, WarningReason
from services.ingress.handlers.value_warnings import MOST_WARNINGS, warnings_of
from services.ingress.ports import IdentityReads
from services.runtime.api import Answer

_WARNINGS: Final = "Values that were taken but do not count, such as what is no evidence under the tenant's policy."


class ShownWarning(Answer):
    """A value that does not count, and why; it has no contact where it is not about one."""

    contact: str | None = None
    type: str
    value: str
    reason: WarningReason
    detail: str = Field(examples=["the phone +551 is no valid number"])


class WarningAnswer(Answer):
    """An answer that lists values which do not count; without any, it does not have these fields."""

    warnings: Annotated[list[ShownWarning], Field(max_length=MOST_WARNINGS)] | None = Field(None, description=_WARNINGS)
    warnings_left_off: PositiveInt | None = Field(None, description="How many more there are.")


async def warning_fields(
    identity: IdentityReads, tenant: str, stated: Sequence[StatedValue], noticed: Sequence[ValueWarning] = ()
) -> dict[str, Any]:
    """The fields of a WarningAnswer as JSON; none where every value counts. Never raises."""
    warnings = await warnings_of(tenant, stated, identity, noticed)
    if not warnings.first:
        return {}
    shown = [{name: part for name, part in one._asdict().items() if part is not None} for one in warnings.first]
    return {"warnings": shown} | ({"warnings_left_off": warnings.left_off} if warnings.left_off else {})

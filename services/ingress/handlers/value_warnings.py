"""Looks through what a request stated for values that are no evidence, so that its answer can list them."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from services.ingress.core.stated_values import StatedValue, ValueWarning, warning_of
from services.ingress.ports import IdentityReads

MOST_WARNINGS: Final = 100
# Looking through this many values takes a few milliseconds; then other requests have their turn.
_SLICE: Final = 100


class Warnings(NamedTuple):
    """The first warnings of a request, and the number of the others."""

    first: Sequence[ValueWarning] = ()
    left_off: int = 0


async def warnings_of(
    tenant: str, stated: Sequence[StatedValue], identity: IdentityReads, noticed: Sequence[ValueWarning] = ()
) -> Warnings:
    """The warnings of a request, those that its translator ``noticed`` first.

    It never fails: without the tenant's policy, the default one is used.
    """
    if not stated:
        return Warnings(noticed[:MOST_WARNINGS], len(noticed[MOST_WARNINGS:]))
    policy = await identity.policy(tenant)
    found = list(noticed[:MOST_WARNINGS])
    left_off = len(noticed) - len(found)
    for number, value in enumerate(stated, 1):
        if number % _SLICE == 0:
            await asyncio.sleep(0)
        warning = warning_of(value, policy)
        if warning is not None and len(found) < MOST_WARNINGS:
            found.append(warning)
        elif warning is not None:
            left_off += 1
    return Warnings(found, left_off)

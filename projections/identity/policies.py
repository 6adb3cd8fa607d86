"""Policies in events, the rules of resolutions by them, and a chunk saved by these rules."""

from collections.abc import Iterable, Sequence
from typing import cast

import orjson

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.stages import enter
from projections.identity.handlers import save_events
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.policy import InvalidPolicy, Policy
from projections.identity.resolution.statements import record_of
from projections.identity.resolutions import (
    ResolutionInUse,
    policy_of,
    record,
    resolution_id_of,
    resolutions_in_use,
    share,
)
from projections.identity.rules import PolicyInForce
from projections.identity.tables import PolicyRow
from schemas.events import Event
from schemas.events.tenant import IdentityPolicy

POLICY_SET = "tenant.policy_set"


def policies_in(events: Iterable[Event]) -> list[PolicyRow]:
    """The policies that the events set, one an event: of its copies the least by time and content counts."""
    found: dict[tuple[str, str], PolicyRow] = {}
    for event in events:
        if event.type == POLICY_SET:
            row = _policy_row(event)
            key = (row.tenant, row.event_id)
            found[key] = min(row, found.get(key, row), key=_content_order)
    return list(found.values())


def _content_order(row: PolicyRow) -> tuple[int, str]:
    return (row.at, row.content)


def _policy_row(event: Event) -> PolicyRow:
    """An invalid policy sets none."""
    data, content = cast("IdentityPolicy", event.data), record_of(event).content
    resolution_id = resolution_id_of(event.event_id, content)
    text: str | None = orjson.dumps(data.policy, option=orjson.OPT_SORT_KEYS).decode()
    try:
        Policy.from_log(data.policy)
    except InvalidPolicy:
        text = None
    return PolicyRow(event.tenant, event.event_id, event.occurred_at, content, resolution_id, text, data.by, data.note)


def rules_of(resolutions: Sequence[ResolutionInUse], region: str) -> dict[ResolutionKey, PolicyInForce]:
    """The policies of some resolutions. ``region`` is for tenants without one of their own."""
    return {one.key: PolicyInForce(one.version, policy_of(one, region), one.active) for one in resolutions}


async def save_chunk(connection: Connection, events: Sequence[Event], id_of: IdOf, region: str) -> int:
    """Save the policies and the evidence of a chunk, in the caller's transaction. Returns how many were new.

    A tenant's evidence goes into its active resolution and, while another one is being built, into that too.
    """
    enter("record")
    tenants = {event.tenant for event in events}
    await share(connection, tenants)
    new = await record(connection, policies_in(events))
    found = await resolutions_in_use(connection, tenants)
    evidence = [event for event in events if event.type != POLICY_SET]
    return new + await save_events(connection, evidence, rules_of(found, region), id_of)

"""Policies in events, the rules of resolutions by them, and a chunk saved by these rules."""

from collections.abc import Iterable, Sequence
from typing import cast

import orjson

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.identity.handlers import save_events
from projections.identity.resolution.policy import InvalidPolicy, Policy
from projections.identity.resolutions import ResolutionInUse, record, resolutions_in_use, share
from projections.identity.rules import PolicyInForce, Rules
from projections.identity.snapshot import policy_of
from projections.identity.tables import PolicyRow
from schemas.events import Event
from schemas.events.tenant import IdentityPolicy

POLICY_SET = "tenant.policy_set"


def policies_in(events: Iterable[Event]) -> list[PolicyRow]:
    """The policies that the events set, one an event; an invalid policy sets none."""
    found: dict[tuple[str, str], PolicyRow] = {}
    for event in events:
        if event.type == POLICY_SET:
            row = _policy_row(event)
            if row is not None:
                key = (row.tenant, row.event_id)
                found[key] = min(row, found.get(key, row))
    return list(found.values())


def _policy_row(event: Event) -> PolicyRow | None:
    data = cast("IdentityPolicy", event.data)
    try:
        Policy.from_json(data.policy)
    except InvalidPolicy:
        return None
    text = orjson.dumps(data.policy, option=orjson.OPT_SORT_KEYS).decode()
    return PolicyRow(event.tenant, event.event_id, event.occurred_at, text, data.by, data.note)


def rules_of(resolutions: Sequence[ResolutionInUse], id_of: IdOf, region: str) -> Rules:
    """The rules of some resolutions, at most one a tenant. ``region`` is for tenants without one of their own."""
    in_force = {
        one.tenant: PolicyInForce(one.version, policy_of(one, region), one.resolution_id, one.active)
        for one in resolutions
    }
    return Rules(in_force.__getitem__, id_of)


async def save_chunk(connection: Connection, events: Sequence[Event], id_of: IdOf, region: str) -> int:
    """Save the policies and the evidence of a chunk, in the caller's transaction. Returns how many were new.

    A tenant's evidence goes into its active resolution and, while another one is being built, into that too.
    """
    tenants = {event.tenant for event in events}
    await share(connection, tenants)
    new = await record(connection, policies_in(events))
    found = await resolutions_in_use(connection, tenants)
    evidence = [event for event in events if event.type != POLICY_SET]
    new += await _save(connection, evidence, [one for one in found if one.active], id_of, region)
    await _save(connection, evidence, [one for one in found if not one.active], id_of, region)
    return new


async def _save(
    connection: Connection, events: Sequence[Event], resolutions: Sequence[ResolutionInUse], id_of: IdOf, region: str
) -> int:
    tenants = {one.tenant for one in resolutions}
    chosen = [event for event in events if event.tenant in tenants]
    return await save_events(connection, chosen, rules_of(resolutions, id_of, region)) if chosen else 0

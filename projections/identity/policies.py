"""Spaces with their policies: what events are resolved by, in the live space and in one that is being built."""

from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

import orjson

from projections.engine.ids import IdOf
from projections.identity.ports import PolicyInForce, Rules
from projections.identity.resolution.policy import InvalidPolicy, Policy
from projections.identity.resolutions import Found, PolicyRow, tenant_of
from projections.identity.snapshot import policy_of
from schemas.events import Event
from schemas.events.tenant import IdentityPolicy

POLICY_SET = "tenant.policy_set"


def policies_in(events: Iterable[Event]) -> list[PolicyRow]:
    """The policies that events set, each event once; what is no policy sets none."""
    found: dict[tuple[str, str], PolicyRow] = {}
    for event in events:
        if event.type == POLICY_SET:
            row = _policy_row(event)
            if row is not None:
                key = row[:2]
                found[key] = min(row, found.get(key, row))
    return list(found.values())


def _policy_row(event: Event) -> PolicyRow | None:
    said = cast("IdentityPolicy", event.data)
    try:
        Policy.from_json(said.policy)
    except InvalidPolicy:
        return None
    text = orjson.dumps(said.policy, option=orjson.OPT_SORT_KEYS).decode()
    return PolicyRow(event.tenant, event.event_id, event.occurred_at, text, said.by, said.note)


def rules_of(spaces: Sequence[Found], id_of: IdOf, region: str) -> Rules:
    """The rules in some spaces, at most one a tenant."""
    in_force = {one.name: PolicyInForce(one.version, policy_of(one, region), one.tenant, one.live) for one in spaces}
    names = {one.tenant: one.name for one in spaces}

    def identify(space: str, contact: str) -> UUID:
        return id_of(tenant_of(space), contact)

    plain = all(one.name == one.tenant for one in spaces)
    return Rules(in_force.__getitem__, id_of if plain else identify, names.__getitem__)

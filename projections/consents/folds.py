"""Consents join per (contact, kind): the latest decides, and on a tie of times the denial does."""

from collections.abc import Iterable, Sequence
from typing import cast

from projections.consents.tables import TABLE, ConsentRow
from projections.engine.metadata import Key, Row
from projections.engine.parts import latest_only
from projections.engine.projection import Projection
from schemas.events import Event
from schemas.events.subscription import MarketingConsent


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The consent that outranks all others."""
    candidates = [_row(key, event) for event in events]
    if row is not None:
        candidates.append(cast("ConsentRow", row))
    return max(candidates, key=_rank)


def join_consents(consents: Iterable[ConsentRow]) -> tuple[ConsentRow, ...]:
    """The consents of contacts that share them: of each kind the one that outranks all others."""
    joined: dict[str, ConsentRow] = {}
    for consent in consents:
        known = joined.setdefault(consent.kind, consent)
        joined[consent.kind] = max(known, consent, key=lambda one: (_rank(one), one.contact_id))
    return tuple(joined[kind] for kind in sorted(joined))


def _rank(consent: ConsentRow) -> tuple[int, bool, str]:
    return (consent.at, not consent.allowed, consent.event_id)


def _row(key: Key, event: Event) -> ConsentRow:
    allowed = event.type == "marketing.opted_in"
    tenant, contact_id, kind = key
    by = cast("MarketingConsent", event.data).by
    return ConsentRow(tenant, contact_id, kind, allowed, event.occurred_at, event.event_id, by)


PROJECTION = Projection(
    table=TABLE,
    version=1,
    types=frozenset({"marketing.opted_out", "marketing.opted_in"}),
    suffixes=lambda event: [(kind,) for kind in dict.fromkeys(cast("MarketingConsent", event.data).kinds)],
    fold=fold,
    owes=latest_only,
)

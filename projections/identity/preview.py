"""What some events would change in identity: decided on what is stored, and nothing is written."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.identity import link_queries, queries
from projections.identity.change_events import changes_in
from projections.identity.decided import Decided
from projections.identity.handlers import decide_all
from projections.identity.keys import ResolutionKey
from projections.identity.new_evidence import NewEvidence, find_new_evidence
from projections.identity.resolution.links import RefusedLink
from projections.identity.resolution.membership_changes import Change
from projections.identity.resolution.statements import EvidenceLog, merge_in
from projections.identity.rules import PolicyInForce
from projections.identity.store.evidence import stated_merges
from schemas.events import Event

MOST_CONTACTS: Final = 1000  # that ever stated a member id that would be merged


class TooManyContacts(Exception):
    """More contacts stated these member ids than a preview looks at."""


class MembershipPreview(NamedTuple):
    """The customers that would change, and the links that would be refused and are not refused now.

    Contacts that others only named are left out.
    """

    changes: tuple[Change, ...]
    refused: tuple[RefusedLink, ...]


async def preview_events(
    connection: Connection, place: ResolutionKey, policy: PolicyInForce, events: Iterable[Event], id_of: IdOf
) -> MembershipPreview:
    """What new events of the resolution's tenant would change. Call it in a transaction that reads one snapshot.

    Raises TooManyContacts.
    """
    evidence = await _evidence(connection, place, events)
    decided = (await decide_all(connection, {place: evidence}, {place: policy}, id_of))[place]
    changes = changes_in(place.tenant, decided, id_of)
    ids = {id_of(place.tenant, contact): contact for one in changes for contact in (*one.before, *one.after)}
    seen = set((await queries.keys_of(connection, place.tenant, list(ids))).values())
    shown = (_of_contacts(change, seen) for change in changes)
    return MembershipPreview(tuple(one for one in shown if one.before or one.after), _refused(decided))


async def _evidence(connection: Connection, place: ResolutionKey, events: Iterable[Event]) -> NewEvidence:
    log = EvidenceLog()
    for event in events:
        log.add(event)
    new = find_new_evidence(log.events, {})
    stated = [merge_in(event_id, record) for event_id, record in log.merges.items()]
    ids = {one.member_id.strip() for one in stated}
    await _check_size(connection, place, {*ids, *(one.into.strip() for one in stated if one.into is not None)})
    known = await stated_merges(connection, [(place.tenant, one) for one in sorted(ids)])
    return NewEvidence(new.new, new.overruled, (*known.get(place.tenant, ()), *stated), frozenset(ids))


async def _check_size(connection: Connection, place: ResolutionKey, member_ids: Collection[str]) -> None:
    if member_ids:
        canonical = await queries.canonical_of(connection, place, sorted(member_ids))
        if await link_queries.count_stating(connection, place, canonical, MOST_CONTACTS + 1) > MOST_CONTACTS:
            raise TooManyContacts(TooManyContacts.__doc__)


def _of_contacts(change: Change, seen: Collection[str]) -> Change:
    before, after = (tuple(one for one in contacts if one in seen) for contacts in (change.before, change.after))
    return change._replace(before=before, after=after)


def _refused(decided: Decided) -> tuple[RefusedLink, ...]:
    return tuple(
        sorted(
            one
            for node, refused in decided.refused.items()
            for one in set(refused) - set(decided.refused_before.get(node, ()))
        )
    )

"""States to rows and back: JSON columns, and personal ids for contact keys (pure)."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import orjson

from projections.engine.ids import IdOf
from projections.identity.customer_summary import Clear, CustomerSummary, Latest, Preferred
from projections.identity.keys import ResolutionKey
from projections.identity.resolution.holdings import Holding, HoldingKey
from projections.identity.resolution.links import CONTACT, STAFF, Link, Node, NormalisedIdentifier, RefusedLink, Value
from projections.identity.resolution.nodes import LiveIdentifier, Sessions
from projections.identity.state import NO_FEATURES, NO_TIER, ContactIdentity, Features, IdentifierStatus
from projections.identity.tables import ConflictRow, ContactStateRow, CustomerRow, HoldingRow, SetAsideRow
from projections.identity.values_set_aside import ValueSetAside
from schemas.events.base import Stamp

NOTHING: Final = "[]"
_NODE_VALUES: Final = frozenset({CONTACT, STAFF})


def component_id(id_of: IdOf, tenant: str, node: Node) -> UUID:
    """The id that a component goes by: that of its least node. No contact key holds a NUL."""
    contact, session = node
    return id_of(tenant, f"{contact}\x00{session}" if session else contact)


def identifier_columns(identifier: NormalisedIdentifier) -> tuple[str, str, str]:
    """Type, value and, where the value is a node, its session."""
    type_name, value = identifier
    if type_name in _NODE_VALUES:
        return (type_name, *cast("Node", value))
    return (type_name, cast("str", value), "")


def identifier_of(type_name: str, value: str, target: str) -> NormalisedIdentifier:
    """The identifier of three columns."""
    found: Value = (value, target) if type_name in _NODE_VALUES else value
    return (type_name, found)


def stamps_text(holding: Holding) -> str:
    """A holding as its column keeps it; equal ones give equal texts."""
    return orjson.dumps(tuple(holding)).decode()


def holding_of(text: str) -> Holding:
    """The holding that a column keeps."""
    intrinsic, verified, stated, claimed, retracted, spellings = orjson.loads(text)
    return Holding(
        tuple(intrinsic) if intrinsic else None,
        tuple(verified) if verified else None,
        tuple(stated) if stated else None,
        tuple(claimed) if claimed else None,
        tuple(retracted) if retracted else None,
        tuple(map(tuple, spellings)) if spellings else (),
    )


def features_text(features: Features) -> str:
    """A features as its column keeps it."""
    return NOTHING if features == NO_FEATURES else orjson.dumps(tuple(features)).decode()


@lru_cache(maxsize=8192)
def features_of_text(text: str) -> Features:
    """The features that a column keeps."""
    if text == NOTHING:
        return NO_FEATURES
    member, linked, carried, counted = orjson.loads(text)
    return Features(
        tuple(member) if member else None,
        linked,
        tuple(((scope[0], scope[1]), value) for scope, value in carried),
        tuple(tuple(one) for one in counted),
    )


def status_text(status: IdentifierStatus) -> str:
    """A status as its column keeps it."""
    return orjson.dumps(tuple(status)).decode()


def status_of_text(text: str) -> IdentifierStatus:
    """The status that a column keeps."""
    generic, shared, counts = orjson.loads(text)
    return IdentifierStatus(
        tuple(generic), tuple((tier, tuple(detail)) for tier, detail in shared), tuple(tuple(one) for one in counts)
    )


def contact_state_row(place: ResolutionKey, contact_id: UUID, state: ContactIdentity) -> ContactStateRow:
    """The contact's row."""
    logins = orjson.dumps(state.sessions.logins).decode() if state.sessions.logins else None
    return ContactStateRow(
        *place,
        contact_id,
        state.contact,
        named=state.named,
        latest_at=state.latest_at,
        stated_at=state.stated_at,
        founded_at=state.founded_at,
        left_out=state.left_out,
        logins=logins,
    )


def differ_in_row(one: ContactIdentity, other: ContactIdentity) -> bool:
    """Whether two states of one contact have different rows."""
    return (
        one.named != other.named
        or one.latest_at != other.latest_at
        or one.stated_at != other.stated_at
        or one.founded_at != other.founded_at
        or one.left_out != other.left_out
        or one.sessions != other.sessions
    )


def sessions_of_text(text: str | None) -> Sessions:
    """The sessions that a column keeps."""
    return Sessions(tuple((at, event_id, value) for at, event_id, value in orjson.loads(text))) if text else Sessions()


class StoredHoldings(NamedTuple):
    """A contact's holdings, and what is live of them: those that make a link, and the others."""

    holdings: dict[HoldingKey, Holding]
    links: dict[HoldingKey, LiveIdentifier]
    unlinked: dict[HoldingKey, LiveIdentifier]


def stored_holdings(found: Iterable[HoldingRow]) -> StoredHoldings:
    """What the rows of a contact's holdings say."""
    stored = StoredHoldings({}, {}, {})
    for one in found:
        key = (one.session, one.type, one.value, one.target)
        stored.holdings[key] = holding_of(one.stamps)
        if one.since is not None:
            latest = (cast("int", one.rank), cast("int", one.latest_at), cast("str", one.latest_by))
            live, tier = (stored.links, one.tier) if one.tier is not None else (stored.unlinked, NO_TIER)
            live[key] = LiveIdentifier(tier, one.since, latest, _spellings(one))
    return stored


def contact_state(
    row: ContactStateRow,
    stored: StoredHoldings,
    features: Mapping[str, Features],
    erased: Stamp | None,
    *,
    partial: bool,
) -> ContactIdentity:
    """The contact that a row, its holdings and its nodes' features are of."""
    return ContactIdentity(
        row.contact,
        known=True,
        named=row.named,
        latest_at=row.latest_at,
        sessions=sessions_of_text(row.logins),
        holdings=stored.holdings,
        links=stored.links,
        unlinked=stored.unlinked,
        left_out=row.left_out,
        partial=partial,
        stated_at=row.stated_at,
        founded_at=row.founded_at,
        erased=erased,
        features=features,
    )


def holding_row(
    place: ResolutionKey, contact_id: UUID, key: HoldingKey, holding: Holding, live: LiveIdentifier | None
) -> HoldingRow:
    """The holding's row; ``live`` is what is live of it, of tier ``NO_TIER`` where that makes no link."""
    columns: tuple[Any, ...] = (None,) * 6
    if live is not None:
        spellings = orjson.dumps(live.spellings).decode() if live.spellings else None
        columns = (live.tier if live.tier != NO_TIER else None, live.since, *live.latest, spellings)
    session, type_name, value, target = key
    return HoldingRow(*place, contact_id, session, type_name, value, target, stamps_text(holding), *columns)


def link_of(row: HoldingRow, contact: str) -> Link:
    """The link of a row that has one."""
    return Link(
        cast("int", row.tier),
        cast("int", row.since),
        *identifier_of(row.type, row.value, row.target),
        (contact, row.session),
    )


def latest_of(row: HoldingRow) -> Latest:
    """The latest statement of a row's link, and how it wrote the value."""
    spellings = _spellings(row)
    spelling = spellings[-1] if spellings else row.value
    return Latest((cast("int", row.rank), cast("int", row.latest_at), cast("str", row.latest_by)), spelling)


def _spellings(row: HoldingRow) -> tuple[str, ...]:
    return tuple(orjson.loads(row.spellings)) if row.spellings else ()


def customer_row(place: ResolutionKey, customer_id: UUID, one: CustomerSummary) -> CustomerRow:
    """The customer's row."""
    phone, email = one.phone, one.email
    preferred = orjson.dumps([tuple(phone) if phone else None, tuple(email) if email else None]).decode()
    clear = orjson.dumps(tuple(one.clear)).decode() if one.clear else None
    shown = (phone.spelling if phone else None, email.spelling if email else None)
    return CustomerRow(
        *place,
        customer_id,
        cast("str", one.founder),
        one.founded_at,
        one.contacts,
        one.member_id,
        *shown,
        preferred,
        clear,
    )


def customer_of(row: CustomerRow) -> CustomerSummary:
    """The customer that a row is of."""
    phone, email = orjson.loads(row.preferred)
    clear: Clear | None = None
    if row.clear is not None:
        least, exclusive = orjson.loads(row.clear)
        values = tuple(((scope[0], scope[1]), value) for scope, value in exclusive)
        clear = Clear((least[0], least[1]), values)
    return CustomerSummary(
        row.founder, row.founded_at, row.contacts, row.member_id, _preferred(phone), _preferred(email), clear
    )


def _preferred(listed: list[Any] | None) -> Preferred | None:
    if listed is None:
        return None
    firm, strength, latest, value, spelling = listed
    return Preferred(firm, strength, (latest[0], latest[1], latest[2]), value, spelling)


def conflict_row(place: ResolutionKey, contact_id: UUID, refused: RefusedLink) -> ConflictRow:
    """The refused link's row."""
    link = refused.link
    detail = orjson.dumps(refused.detail).decode() if refused.detail else NOTHING
    return ConflictRow(
        *place,
        contact_id,
        link.node[1],
        *identifier_columns(link.identifier),
        link.node[0],
        link.tier,
        link.since,
        refused.reason,
        detail,
    )


def set_aside_row(place: ResolutionKey, contact_id: UUID, one: ValueSetAside) -> SetAsideRow:
    """The row of a value that is no evidence."""
    content = orjson.dumps((one.type, one.value, one.reason))
    digest = int.from_bytes(blake2b(content, digest_size=8).digest(), signed=True)
    return SetAsideRow(*place, contact_id, one.event_id, digest, one.at, one.contact, one.type, one.value, one.reason)


def refused_of(row: ConflictRow) -> RefusedLink:
    """The refused link that a row is of."""
    link = Link(row.tier, row.since, *identifier_of(row.type, row.value, row.target), (row.contact, row.session))
    return RefusedLink(link, cast("Any", row.reason), tuple(orjson.loads(row.detail)))

"""Hypothesis strategies for canonical events, shared by every law.

Everything is drawn from small pools, so that contacts, tags, keys, times and event ids collide often: that is
where folds go wrong. A list holds exact repeats and, unless told otherwise, *conflicts*: the same event id for
the same contact with other content, as a careless producer sends it.
"""

from collections.abc import Sequence
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schemas.events import EVENT_TYPES, AccountRef, ContactRef, Event, Identifier
from schemas.events.base import AssertedIdentifier, ChannelName, Frozen
from schemas.events.profile import AttributeValue
from schemas.events.tenant import DisplayNames

BASE_MS: Final = 1_735_660_800_000  # 2025-01-01T00:00:00 in Taipei
DAY_MS: Final = 86_400_000
TENANTS: Final = ("demo",)
_POOL: Final[tuple[tuple[ChannelName, str, str], ...]] = (
    ("line", "oa1", "U1"),
    ("line", "oa1", "U2"),
    ("line", "oa2", "U1"),
    ("facebook", "page1", "100"),
    ("instagram", "ig1", "100"),
    ("whatsapp", "n1", "886911111111"),
    ("web", "shop", "c:1|小"),
    ("crm", "erp", "M7"),
)
CONTACTS: Final = tuple(ContactRef(channel=channel, account=account, uid=uid) for channel, account, uid in _POOL)
# Of events without a contact; the tenant's own have none either.
ACCOUNTS: Final = (None, AccountRef(channel="line", account="oa1"), AccountRef(channel="instagram", account="17841"))
UNKNOWN_TYPES: Final = ("line.beacon", "web.scrolled", "顧客.到店")
TENANT_TYPES: Final = ("member.merged", *(name for name in EVENT_TYPES if name.startswith("tenant.")))

# What PostgreSQL and UTF-8 can hold: no NUL, no lone surrogate.
texts: Final = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
words: Final = st.sampled_from(["a", "b", "新品", "VIP 會員"])
times: Final = st.one_of(
    st.integers(0, 3).map(lambda day: BASE_MS + day * DAY_MS),
    st.integers(0, 3).map(lambda ms: BASE_MS + ms),
    st.integers(0, 400 * DAY_MS).map(lambda ms: BASE_MS + ms),
)
event_ids: Final = st.one_of(
    st.sampled_from(["e1", "e2", "e3"]),
    st.integers(0, 10_000_000).map(lambda number: f"line:{number:08d}"),
)
json_values: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
# What a careless or hostile sender makes of JSON, and what only Python objects can hold.
_odd_texts: Final = st.text(st.characters(exclude_categories=[]), max_size=8) | st.sampled_from(
    ["\x00", "\ud800", "a:b|c"]
)
_odd_numbers: Final = st.integers() | st.floats() | st.sampled_from([10**400, -(2**63), 2**64])
odd_json: Final[SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | _odd_numbers | _odd_texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_odd_texts, inner, max_size=4),
    max_leaves=12,
)
properties: Final[SearchStrategy[dict[str, Any]]] = st.just({}) | st.dictionaries(texts, json_values, max_size=3)
identifiers: Final = st.builds(
    Identifier,
    type=st.sampled_from(["member_id", "phone", "email", "line_user", "x_card"]),
    value=st.sampled_from(["M7", "M8", "+886911111111", "a@example.tw"]),
)
_member_ids: Final = st.sampled_from(["M7", "M8", "N7", "guest"])
asserted_identifiers: Final = st.builds(
    lambda identifier, assurance: AssertedIdentifier(type=identifier.type, value=identifier.value, assurance=assurance),
    identifiers,
    st.sampled_from(["verified", "stated", "claimed", None]),
)


def _maybe(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.none() | strategy


def _message() -> dict[str, SearchStrategy[Any]]:
    return {
        "message_id": _maybe(st.sampled_from(["m1", "m2"])),
        "kind": st.sampled_from(["text", "image", "sticker"]),
        "text": _maybe(texts),
        "payload": properties,
    }


def _binding(contacts: Sequence[ContactRef]) -> dict[str, SearchStrategy[Any]]:
    vias = ["site_button", "cart_tracker", "bot_button", "phone_otp", "omnilink", "login", "api", "import", "channel"]
    return {
        "identifiers": st.lists(asserted_identifiers, max_size=2),
        "linked_contact": _maybe(st.sampled_from(contacts)),
        "via": st.sampled_from(vias),
    }


def _notification() -> dict[str, SearchStrategy[Any]]:
    return {
        "topic": st.sampled_from(["default", "新品通知"]),
        "frequency": _maybe(st.sampled_from(["daily", "weekly"])),
        "token": _maybe(st.sampled_from(["t1", "t2"])),
        "expires_at": _maybe(times),
    }


def _consent() -> dict[str, SearchStrategy[Any]]:
    kinds = st.lists(st.sampled_from(["broadcast", "web_push", "cart_remarketing"]), min_size=1, max_size=3)
    return {"kinds": kinds, "by": _maybe(words)}


def _tagging() -> dict[str, SearchStrategy[Any]]:
    return {"tag": words, "source": _maybe(words), "expires_after": _maybe(st.sampled_from([1, 2, 365]))}


_ATTRIBUTES: Final[tuple[dict[str, Any], ...]] = (
    {"value": "台北"},
    {"value": "台北", "type": "text"},
    {"value": "2025-01-31", "type": "date"},
    {"value": "2025-01-31T08:00:00+08:00", "type": "datetime"},
    {"value": 7, "type": "number"},
    {"value": 7.5},
    {"value": -(2**63)},
    {"value": True, "type": "boolean"},
    {"value": False},
)


_assurances: Final = st.sampled_from([None, "stated", "claimed"])


def _attributes() -> SearchStrategy[Frozen]:
    keys = st.sampled_from(["city", "points"])
    return st.builds(
        lambda key, fields, assurance: AttributeValue(key=key, assurance=assurance, **fields),
        keys,
        st.sampled_from(_ATTRIBUTES),
        _assurances,
    )


def data_of(type_name: str, contacts: Sequence[ContactRef] = CONTACTS) -> SearchStrategy[Frozen]:
    """The data of a known type; contacts that they speak of are from the pool."""
    if type_name == "attribute.set":
        return _attributes()
    cls: Any = EVENT_TYPES[type_name].model_fields["data"].annotation
    return st.builds(cls, **_fields_of(type_name, contacts))


def _fields_of(type_name: str, contacts: Sequence[ContactRef]) -> dict[str, SearchStrategy[Any]]:
    others = st.sampled_from(contacts)
    purposes = st.sampled_from(["conversation", "broadcast", "cart_remarketing", "bot", "welcome"])
    connection = {"source": words, "account": _maybe(st.just("oa1")), "name": _maybe(texts), "provider": _maybe(words)}
    names = _maybe(st.builds(DisplayNames, zh=_maybe(texts), en=_maybe(texts)))
    definition = {"display_name": _maybe(texts), "description": _maybe(texts), "archived": st.booleans()}
    definition["names"] = names
    fields: dict[str, dict[str, SearchStrategy[Any]]] = {
        "message.received": _message(),
        "message.edited": _message(),
        "message.unsent": _message(),
        "bot.interacted": {"action": words, "payload": _maybe(texts | properties)},
        "web.tracked": {"event": words, "url": _maybe(texts), "properties": properties},
        "team.message_sent": {"purpose": purposes, "campaign": _maybe(words), **_message_of_team()},
        "team.message_status": {"message_id": _maybe(words), "status": words, "payload": properties},
        "contact.followed": {"via": _maybe(st.sampled_from(["add_friend", "unblock"]))},
        "contact.blocked": {"via": _maybe(words)},
        "notification.opted_in": _notification(),
        "notification.opted_out": _notification(),
        "marketing.opted_out": _consent(),
        "marketing.opted_in": _consent(),
        "identity.bound": _binding(contacts),
        "identity.unbound": _binding(contacts),
        "identity.decided": {
            "other": others,
            "decision": st.sampled_from(["same", "different", "undecided"]),
            "by": words,
            "note": _maybe(texts),
        },
        "contact.superseded": {"by": others},
        "member.merged": {"member_id": _member_ids, "into": _maybe(_member_ids), "by": _maybe(words)},
        "profile.updated": {
            "display_name": _maybe(texts),
            "avatar": _maybe(texts),
            "locale": _maybe(texts),
            "assurance": _assurances,
        },
        "tag.added": _tagging(),
        "tag.removed": _tagging(),
        "attribute.unset": {"key": st.sampled_from(["city", "points"]), "assurance": _assurances},
        "omo.bound": {"member": _maybe(words), "branch": _maybe(words)},
        "omo.unbound": {"member": _maybe(words), "branch": _maybe(words)},
        "contact.erased": {"request_id": words},
        "contact.events_erased": {
            "events": st.lists(st.from_regex(r"[0-9a-f]{32}", fullmatch=True), min_size=1, max_size=2),
            "request_id": words,
        },
        "tenant.quota_set": {"limit": st.integers(0, 10), "unit": st.sampled_from(["contacts", "customers"])},
        "tenant.attribute_defined": {
            "key": st.sampled_from(["city", "points"]),
            "type": st.sampled_from(["text", "number", "date", "datetime", "boolean"]),
            **definition,
        },
        "tenant.segment_saved": {
            "segment": st.sampled_from(["vip", "new.2026"]),
            "name": _maybe(words),
            "names": names,
            "filter": _maybe(properties),
            "deleted": st.booleans(),
            "by": _maybe(words),
        },
        "tenant.policy_set": {"policy": properties, "by": _maybe(words), "note": _maybe(texts)},
        "tenant.channel_connected": {"channel": st.sampled_from(["line", "meta"]), **connection},
        "tenant.channel_disconnected": {
            "source": words,
            "channel": st.just("meta"),
            "account": st.none(),
            "reason": st.sampled_from(["disabled", "removed"]),
        },
        "tenant.deletion_requested": {
            "request_id": words,
            "source": words,
            "channel": st.just("meta"),
            "subject": words,
        },
    }
    return fields[type_name]


def _message_of_team() -> dict[str, SearchStrategy[Any]]:
    return {
        "message_id": _maybe(words),
        "agent": _maybe(words),
        "text": _maybe(texts),
        "payload": properties,
        "echo": st.sampled_from([None, True, False]),
    }


@st.composite
def _envelopes(
    draw: st.DrawFn, type_name: str, tenants: Sequence[str], contacts: Sequence[ContactRef]
) -> dict[str, Any]:
    occurred_at = draw(times)
    contact = None
    # Now and then an event that could have a contact has none, as a message in a group without a user.
    if type_name not in TENANT_TYPES and draw(st.integers(0, 24)):
        contact = draw(st.sampled_from(contacts))
    account = None if contact else draw(st.sampled_from(ACCOUNTS))
    return {
        "event_id": draw(event_ids),
        "tenant": draw(st.sampled_from(tenants)),
        "contact": contact,
        "account": account,
        "type": type_name,
        "occurred_at": occurred_at,
        "received_at": occurred_at + draw(st.sampled_from([0, 1, 60_000, DAY_MS])),
        "source": draw(st.sampled_from(["api", "line-main"])),
        "intrinsic": draw(st.just([]) | st.lists(identifiers, max_size=2)),
    }


@st.composite
def events_of(
    draw: st.DrawFn, type_name: str, tenants: Sequence[str] = TENANTS, contacts: Sequence[ContactRef] = CONTACTS
) -> Event:
    """Events of one known type."""
    envelope = draw(_envelopes(type_name, tenants, contacts))
    return EVENT_TYPES[type_name](**envelope, data=draw(data_of(type_name, contacts)))


@st.composite
def unknown_events(
    draw: st.DrawFn, tenants: Sequence[str] = TENANTS, contacts: Sequence[ContactRef] = CONTACTS
) -> Event:
    """Events of types that nobody knows, at any version."""
    envelope = draw(_envelopes(draw(st.sampled_from(UNKNOWN_TYPES)), tenants, contacts))
    return Event(**envelope, schema_version=draw(st.sampled_from([1, 2])), data=draw(properties))


def events(
    tenants: Sequence[str] = TENANTS,
    contacts: Sequence[ContactRef] = CONTACTS,
    types: Sequence[str] | None = None,
) -> SearchStrategy[Event]:
    """One event of any known type, or, unless ``types`` says which, an unknown one."""
    known = [events_of(name, tenants, contacts) for name in (types or EVENT_TYPES)]
    return st.one_of(*known) if types else st.one_of(*known, unknown_events(tenants, contacts))


@st.composite
def event_lists(  # noqa: PLR0913 - each keyword is one thing a law may narrow
    draw: st.DrawFn,
    *,
    tenants: Sequence[str] = TENANTS,
    contacts: Sequence[ContactRef] = CONTACTS,
    types: Sequence[str] | None = None,
    min_size: int = 0,
    max_size: int = 20,
    conflicts: bool = True,
) -> list[Event]:
    """Events in any order, with exact repeats.

    With ``conflicts`` off, one tenant's event id means one event wherever it occurs.
    """
    drawn = draw(st.lists(events(tenants, contacts, types), min_size=min_size, max_size=max_size))
    if not conflicts:
        drawn = list({(event.tenant, event.event_id): event for event in drawn}.values())
    if not drawn:
        return []
    if conflicts:
        drawn += [draw(_conflicting(event)) for event in draw(st.lists(st.sampled_from(drawn), max_size=2))]
    return draw(st.permutations(drawn + draw(st.lists(st.sampled_from(drawn), max_size=3))))


@st.composite
def _conflicting(draw: st.DrawFn, event: Event) -> Event:
    """The same event id and contact at another time, or received at another."""
    occurred_at = draw(times)
    return event.model_copy(
        update={"occurred_at": occurred_at, "received_at": occurred_at + draw(st.sampled_from([0, 1]))}
    )

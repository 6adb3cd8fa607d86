"""Random histories of everything that a filter can ask of, random filters, and customers as a filter sees them."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final
from uuid import UUID

from projections.customers.composing import compose_some
from projections.customers.folds import states_of, summarise
from projections.customers.loading import FIRST, customers_after, load_customers
from projections.customers.search.looking import Searched
from projections.engine.connection import Connection
from projections.identity.resolutions import active_resolution, policy_of
from schemas.events import Event
from tests.support.identity_events import T0, event
from tests.support.past import REGION, whole_history
from tests.support.rule_histories import CONTACTS
from tests.support.streams import id_of

DAY: Final = 86_400_000
_SPAN: Final = 9
_NAMES: Final = ("林小美", "美美", "\uff21\uff22\uff23 Lin", "lin  mei", "Straße", " ", "a" * 250 + "z", "王")
ATTRIBUTE_KEYS: Final = ("size", "points", "born", "vip")
_VALUES: Final[tuple[Any, ...]] = (
    "S",
    "M",
    "SM",
    "",
    "2024-02-29",
    "2024-03-01",
    0,
    1,
    -1,
    2.5,
    1e22,
    True,
    False,
    2**60,
)
_TAGS: Final = ("vip", "新客", "t" * 255, "t" * 254 + "u")
_WAYS: Final = ("site_button", "cart_tracker", "bot_button", "login", "api")
_KINDS: Final = ("broadcast", "web_push", "cart_remarketing")
_MESSAGES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("message.received", {"message_id": "late", "kind": "text", "text": "hi"}),
    ("team.message_sent", {"message_id": "late", "purpose": "conversation", "text": "hi"}),
)
_TIMES: Final = ("last_customer", "last_team", "last_marketing", "first_seen")


def history(chance: Random, size: int) -> list[Event]:
    """Events about identity and all that filters ask of, over some days; in the order of the log."""
    events = whole_history(chance, size, copies=False) + [_event(chance) for _ in range(3 * size)]
    return sorted(events, key=lambda one: one.received_at)


def messages(chance: Random, size: int) -> list[Event]:
    """Messages at any time of a history's days: of most contacts they change nothing but times."""
    return [
        event(chance.choice(CONTACTS), *chance.choice(_MESSAGES), at=chance.randrange(_SPAN * DAY)) for _ in range(size)
    ]


def now_of(chance: Random) -> int:
    """A moment within the days of a history, or soon after them."""
    return T0 + chance.randrange((_SPAN + 3) * DAY)


def _event(chance: Random) -> Event:
    tag: dict[str, Any] = {"tag": chance.choice(_TAGS), "source": "x"}
    if chance.random() < 0.5:
        tag["expires_after"] = chance.randint(1, 4)
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("tag.added", tag),
        ("tag.added", tag),
        ("tag.removed", {"tag": chance.choice(_TAGS)}),
        ("profile.updated", {"display_name": chance.choice(_NAMES)}),
        ("attribute.set", {"key": chance.choice(ATTRIBUTE_KEYS), "value": chance.choice(_VALUES)}),
        ("attribute.set", {"key": chance.choice(ATTRIBUTE_KEYS), "value": chance.choice(_VALUES)}),
        ("attribute.unset", {"key": chance.choice(ATTRIBUTE_KEYS)}),
        ("contact.followed", {}),
        ("contact.blocked", {}),
        ("message.received", {"message_id": f"m{chance.randrange(99)}", "kind": "text", "text": "hi"}),
        (
            "team.message_sent",
            {"purpose": chance.choice(["conversation", "broadcast"]), "message_id": "t1", "text": "a"},
        ),
        ("omo.bound", {"member": chance.choice(["amy", "bob"]), "branch": chance.choice(["台北", "b2"])}),
        ("omo.unbound", {}),
        ("notification.opted_in", {"topic": chance.choice(["default", "news"])}),
        ("notification.opted_out", {"topic": chance.choice(["default", "news"])}),
        ("marketing.opted_out", {"kinds": chance.sample(_KINDS, chance.randint(1, 3))}),
        ("marketing.opted_in", {"kinds": [chance.choice(_KINDS)]}),
        ("identity.bound", {"identifiers": [{"type": "x_card", "value": "9"}], "via": chance.choice(_WAYS)}),
    ]
    name, data = chance.choice(kinds)
    return event(chance.choice(CONTACTS), name, data, at=chance.randrange(_SPAN) * DAY + chance.randrange(3))


def random_filter(chance: Random, depth: int = 3, segments: Sequence[str] = ()) -> dict[str, Any]:
    """A filter as JSON, of any conditions; of those on segments, on these."""

    def leaf() -> dict[str, Any]:
        in_segment = segments and chance.random() < 0.2
        return {"segment": chance.choice(segments)} if in_segment else _customer_leaf(chance)

    return _tree(chance, depth, leaf, lambda: _contact_leaf(chance), same=True)


def random_segments(chance: Random) -> dict[str, Any]:
    """Filters by the ids of segments, of which each may name those before it."""
    found: dict[str, Any] = {}
    for number in range(4):
        wanted = random_filter(chance, 1, list(found))
        last = {"segment": f"s{number - 1}"}
        found[f"s{number}"] = {"any": [last, wanted]} if found and chance.random() < 0.7 else wanted
    return found


def segment_events(chance: Random, segments: Mapping[str, Any]) -> list[Event]:
    """Events that save the segments, and others that did before, in any order."""
    events = []
    for segment, asks in segments.items():
        former = {"filter": random_filter(chance, 1), "deleted": chance.random() < 0.5}
        for at, data in ((0, former), (1, {"filter": asks})):
            events.append(event(None, "tenant.segment_saved", {"segment": segment, **data}, at=at))
    return chance.sample(events, len(events))


def spelled_out(wanted: Any, segments: Mapping[str, Any]) -> Any:
    """The filter as JSON, with what each segment asks for in its place."""
    if isinstance(wanted, list):
        return [spelled_out(one, segments) for one in wanted]
    if not isinstance(wanted, dict):
        return wanted
    if "segment" in wanted:
        return spelled_out(segments[wanted["segment"]], segments)
    return {key: spelled_out(value, segments) for key, value in wanted.items()}


def _tree(
    chance: Random, depth: int, leaf: Callable[[], Any], contact: Callable[[], Any], *, same: bool
) -> dict[str, Any]:
    def part() -> dict[str, Any]:
        return _tree(chance, depth - 1, leaf, contact, same=same)

    kind = chance.choice(["all", "any", "not", "same_contact", "leaf", "leaf"]) if depth else "leaf"
    if kind in {"all", "any"}:
        return {kind: [part() for _ in range(chance.randint(1, 3))]}
    if kind == "not":
        return {"not": part()}
    if kind == "same_contact" and same:
        own = _tree(chance, depth - 1, contact, contact, same=False)
        return {"same_contact": own}
    found: dict[str, Any] = chance.choice([leaf, contact])()
    return found


def _text(chance: Random, *values: str) -> Any:
    value = chance.choice(values)
    part = value[: chance.randint(1, 4)]
    return chance.choice(
        [
            value,
            [value, *chance.sample(values, 1)],
            {"starts": part},
            {"contains": part[-1:]},
            {"eq": value},
            True,
            False,
        ]
    )


def _time(chance: Random) -> Any:
    since = chance.choice(["-2d", "-36h", T0 + chance.randrange(_SPAN) * DAY + 1, "now"])
    return chance.choice([{"since": since}, {"before": since}, {"since": "-5d", "before": since}, True, False])


def _number(chance: Random) -> Any:
    return {chance.choice(["eq", "gt", "gte", "lt", "lte"]): chance.randint(0, 4)}


def _words(chance: Random, *values: str) -> Any:
    return chance.choice([True, False, chance.choice(values), list(values[:2])])


def _value_test(chance: Random) -> dict[str, Any]:
    value, other = (chance.choice([one for one in _VALUES if one != ""]) for _ in range(2))
    comparable = [one for one in _VALUES if not isinstance(one, bool) and one != ""]
    tests: list[dict[str, Any]] = [
        {"in": [value, other]},
        {"set": chance.random() < 0.5},
        {"contains": chance.choice(["S", "M", "-"])},
        {"between": [chance.choice(comparable), chance.choice(comparable)]},
        {chance.choice(["gt", "gte", "lt", "lte"]): chance.choice(comparable), "ne": chance.choice(comparable)},
        {chance.choice(["gt", "gte", "lt", "lte"]): chance.choice(comparable)},
        {chance.choice(["eq", "ne"]): value},
    ]
    return chance.choice(tests)


def _customer_leaf(chance: Random) -> dict[str, Any]:
    tag: dict[str, Any] = {"tag": chance.choice((*_TAGS, "never"))}
    if chance.random() < 0.5:
        tag["count"] = _number(chance)
    if chance.random() < 0.3:
        tag["since"] = chance.choice(["-2d", "-4d"])
    return chance.choice(
        [
            tag,
            tag,
            {"member_id": _text(chance, "M7", "M8", "guest")},
            {"phone": _text(chance, "+886911111111", "+886922222222")},
            {"email": _text(chance, "a@example.tw", "b@example.tw")},
            {"name": chance.choice([_text(chance, *(one for one in _NAMES)), "美", "LIN", "straße", " "])},
            {"attribute": chance.choice((*ATTRIBUTE_KEYS, "never")), **_value_test(chance)},
            {"attribute": chance.choice(ATTRIBUTE_KEYS), **_value_test(chance)},
            {chance.choice(_TIMES): _time(chance)},
            {"contacts": _number(chance)},
            {"conflicts": chance.random() < 0.5},
            {"id": [str(id_of("demo", key)) for key in chance.sample(CONTACTS, 3)]},
        ]
    )


def _contact_leaf(chance: Random) -> dict[str, Any]:
    channels = ["line", "web", "whatsapp", "crm", "fax"]
    return chance.choice(
        [
            {"channel": chance.choice(channels)},
            {"channel": chance.sample(channels, 2)},
            {"account": chance.choice(["line:oa1", "line:oa2", "whatsapp:n1", "line:none"])},
            {"subscribed": chance.random() < 0.5},
            {"valid": chance.random() < 0.5},
            {"subscribed_at": _time(chance)},
            {chance.choice(_TIMES): _time(chance)},
            {"bound": _words(chance, *_WAYS[:3])},
            {"notifications": _words(chance, "default", "news")},
            {"staff": _words(chance, "amy", "bob")},
            {"branch": _words(chance, "台北", "b2")},
            {"over_quota": chance.random() < 0.5},
            {"opted_out": _words(chance, *_KINDS[1:])},
        ]
    )


async def compose_all(connection: Connection, tenant: str = "demo") -> None:
    """Compose the tenant's customer rows until nothing is left to do."""
    more = True
    while more:
        async with connection.transaction(isolation="repeatable_read"):
            more = await compose_some(connection, tenant, REGION)


async def customers_as_searched(connection: Connection, now: int, tenant: str = "demo") -> dict[UUID, Searched]:
    """All customers of a tenant from their contacts, without the rows that a search reads."""
    active = await active_resolution(connection, tenant)
    page = await customers_after(connection, active.key, FIRST, 100_000)
    loaded = await load_customers(connection, active.key, policy_of(active, REGION), page.customer_ids)
    found = {}
    for customer_id, one in loaded.items():
        contacts = states_of(one.customer.contacts, now)
        found[customer_id] = Searched(summarise(one.customer.identity, contacts), contacts, one.conflicts)
    return found

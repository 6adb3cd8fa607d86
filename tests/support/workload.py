"""A synthetic load: encoded log records with about the mix and the order of a busy day.

Events are built as dictionaries, because what is measured is the reader. Equal arguments give equal bytes.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate, count
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from schemas.topics import event_key
from services.demo import brand
from services.demo.people import SHARES, contact_on

TENANT: Final = "demo"
_START_MS: Final = 1_780_000_000_000
_STEP_MS: Final = 40
_LATEST_MS: Final = 30 * 86_400_000  # a late event is at most this late
_LATE_SHARE: Final = 0.01
_DUPLICATE_SHARE: Final = 0.005
_OTHER_PERSON_SHARE: Final = 0.02
_RECENT: Final = 2_000  # a duplicate repeats one of this many latest records

Record = tuple[bytes, bytes]
_EventParts = tuple[str, dict[str, Any], list[dict[str, str]]]  # type, data, intrinsic identifiers


class _LoadContact(NamedTuple):
    """A contact: its record key, its part of the envelope, and the number of its person."""

    key: bytes
    ref: dict[str, str]
    person: int

    @property
    def channel(self) -> str:
        return self.ref["channel"]


_MakeEvent = Callable[[Random, _LoadContact], _EventParts]


def workload(n: int, contacts: int, seed: int, evidence_share: float = 0.05) -> Iterator[Record]:
    """Yield exactly ``n`` records (key, value) about ``contacts`` contacts; a few contacts have most of the events.

    ``evidence_share`` of the events carry evidence (bindings, and first events with the channel's own ids); the others
    carry none. A person is on as many channels as the demo's people are, and logs in on each as the same member; one
    login in fifty is of another person. Each contact's events come in the order of ``occurred_at``, except 1 % late
    and 0.5 % duplicate ones.
    """
    rng = Random(f"{seed}/{n}/{contacts}")
    everyone = _contacts(rng, contacts)
    popularity = list(accumulate(1 / (rank + 10) for rank in range(contacts)))
    chosen = rng.choices(range(contacts), cum_weights=popularity, k=n)
    kinds = rng.choices(*_mix(evidence_share), k=n)
    recent: list[Record] = []
    for number in range(n):
        if recent and rng.random() < _DUPLICATE_SHARE:
            yield recent[int(rng.random() * len(recent))]
            continue
        record = _record(rng, number, everyone[chosen[number]], kinds[number])
        if len(recent) < _RECENT:
            recent.append(record)
        else:
            recent[number % _RECENT] = record
        yield record


def _contacts(rng: Random, size: int) -> list[_LoadContact]:
    """Make contacts person by person, then shuffle, so that activity does not depend on the person."""
    made: list[_LoadContact] = []
    for person in count():
        if len(made) >= size:
            break
        channels = [channel for channel, share in SHARES.items() if rng.random() * 100 < share and channel != "crm"]
        for channel in channels or ["line"]:  # a CRM record sends no messages
            contact = contact_on(rng, channel, person, _phone(person))
            made.append(_LoadContact(event_key(TENANT, contact.key), contact.ref, person))
    del made[size:]
    rng.shuffle(made)
    return made


def _phone(person: int) -> str:
    return f"+8869{person:08d}"


def _record(rng: Random, number: int, contact: _LoadContact, make: _MakeEvent) -> Record:
    at = _START_MS + number * _STEP_MS
    delay = int(rng.random() * _LATEST_MS) if rng.random() < _LATE_SHARE else 0
    type_name, data, intrinsic = make(rng, contact)
    event = {
        "event_id": f"bench:{number:08d}",
        "tenant": TENANT,
        "contact": contact.ref,
        "type": type_name,
        "occurred_at": at - delay,
        "received_at": at + 150,
        "source": "bench",
        "schema_version": 1,
        "intrinsic": intrinsic,
        "data": data,
    }
    return contact.key, orjson.dumps(event)


def _customer_event(rng: Random, contact: _LoadContact) -> _EventParts:
    """A message, a bot interaction or a page view of the customer."""
    if contact.channel == "web":
        product = brand.PRODUCTS[int(rng.random() * len(brand.PRODUCTS))]
        properties = {"sku": product.sku, "price": product.price}
        return "web.tracked", {"event": "product_viewed", "url": product.url, "properties": properties}, []
    if rng.random() < 0.4:
        return (
            "bot.interacted",
            {"action": "postback", "payload": _BOT_PAYLOADS[int(rng.random() * len(_BOT_PAYLOADS))]},
            [],
        )
    text = brand.QUESTIONS[int(rng.random() * len(brand.QUESTIONS))]
    return "message.received", {"message_id": f"{rng.getrandbits(56):017d}", "kind": "text", "text": text}, []


def _team_message(rng: Random, _: _LoadContact) -> _EventParts:
    """An answer, a campaign message or a reminder of the team."""
    purpose = _PURPOSES[int(rng.random() * len(_PURPOSES))]
    data = {"purpose": purpose, "message_id": f"out-{rng.getrandbits(64):016x}", "agent": "S101", "text": brand.WELCOME}
    return "team.message_sent", data, []


def _tag_event(rng: Random, _: _LoadContact) -> _EventParts:
    """A tag added; one in ten is removed."""
    tag = brand.TAGS[int(rng.random() * len(brand.TAGS))]
    if rng.random() < 0.1:
        return "tag.removed", {"tag": tag, "source": "manual"}, []
    return "tag.added", {"tag": tag, "source": "chatbot_button", "expires_after": 90}, []


def _profile_event(rng: Random, contact: _LoadContact) -> _EventParts:
    """A custom attribute or the channel's profile."""
    if rng.random() < 1 / 3:
        return "profile.updated", {"display_name": f"茶友 {contact.ref['uid'][-4:]}", "locale": "zh-TW"}, []
    return "attribute.set", {"key": "total_spent", "value": int(rng.random() * 20_000), "type": "number"}, []


def _subscription_event(rng: Random, contact: _LoadContact) -> _EventParts:
    """Follows, blocks and marketing consents."""
    dice = rng.random()
    if dice < 0.3 or contact.channel == "web":
        out = rng.random() < 1 / 2
        kinds = ["broadcast", "web_push", "cart_remarketing"]
        return f"marketing.opted_{'out' if out else 'in'}", {"kinds": kinds, "by": "customer"}, []
    if dice < 0.75:
        return "contact.followed", {"via": "add_friend"}, []
    return "contact.blocked", {"via": "block"}, []


def _evidence_event(rng: Random, contact: _LoadContact) -> _EventParts:
    """Evidence: a login, a retracted phone, or the channel's own id with a follow."""
    dice = rng.random()
    person = contact.person if rng.random() > _OTHER_PERSON_SHARE else int(rng.random() * (contact.person + 1))
    phone = {"type": "phone", "value": _phone(person), "assurance": "verified"}
    own = _OWN_IDS.get(contact.channel)
    if own and dice < 0.2:
        type_name, prefix = own
        return "contact.followed", {"via": "add_friend"}, [{"type": type_name, "value": prefix + contact.ref["uid"]}]
    if dice < 0.9:
        member = {"type": "member_id", "value": f"WG{person:06d}", "assurance": "verified"}
        return "identity.bound", {"identifiers": [member, phone], "via": "login"}, []
    return "identity.unbound", {"identifiers": [phone], "via": "api"}, []


_OWN_IDS: Final = {
    "line": ("line_user", f"{brand.LINE_PROVIDER}:"),
    "facebook": ("facebook_user", f"{brand.ACCOUNTS['facebook']}:"),
    "whatsapp": ("phone", "+"),
}
_BOT_PAYLOADS: Final = brand.BOT_ACTIONS
_PURPOSES: Final = ("conversation", "conversation", "broadcast", "cart_remarketing", "bot")
_MIX: Final[tuple[tuple[_MakeEvent, int], ...]] = (
    (_customer_event, 60),
    (_team_message, 15),
    (_tag_event, 10),
    (_profile_event, 5),
    (_subscription_event, 5),
)


def _mix(evidence_share: float) -> tuple[list[_MakeEvent], list[float]]:
    """Return the kinds of events and their weights: evidence as asked; the others share the rest."""
    others = sum(weight for _, weight in _MIX)
    shares = [weight * (1 - evidence_share) / others for _, weight in _MIX]
    return [*(make for make, _ in _MIX), _evidence_event], [*shares, evidence_share]

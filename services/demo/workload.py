"""The benchmark's events: encoded records for the log, in about the mix and the order of a busy day.

Built from dictionaries, because what is measured is who reads them. Equal arguments give equal bytes.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate, count
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from schemas.topics import event_key
from services.demo import brand
from services.demo.chance import chance
from services.demo.people import SHARES, contact_on
from services.demo.rhythm import DAY

TENANT: Final = "demo"
_START_MS: Final = 1_780_000_000_000
_STEP_MS: Final = 40
_LATE_SHARE: Final = 0.01
_DUPLICATE_SHARE: Final = 0.005
_STRANGERS_SHARE: Final = 0.02
_REMEMBERED: Final = 2_000  # a repeat is of one of so many last records

Record = tuple[bytes, bytes]
_Told = tuple[str, dict[str, Any], list[dict[str, str]]]  # type, data, intrinsic identifiers


class _Somebody(NamedTuple):
    """A contact: its record key, its part of the envelope, and whose it is."""

    key: bytes
    ref: dict[str, str]
    person: int

    @property
    def channel(self) -> str:
        return self.ref["channel"]


_Teller = Callable[[Random, _Somebody], _Told]


def workload(n: int, contacts: int, seed: int, evidence_share: float = 0.05) -> Iterator[Record]:
    """Exactly ``n`` records (key and value) about so many contacts, some of whom do most of the talking.

    ``evidence_share`` of the events carry evidence: bindings, and first sights with the channel's own ids; no other
    does. A person is on as many channels as the demo's people are, and logs in on each as the same member; one login in
    fifty is somebody else's. Each contact's events come in the order in which they happened, but for 1 % late and
    0.5 % repeated ones.
    """
    rng = Random(f"{seed}/{n}/{contacts}")  # noqa: S311 - a load, not a secret
    crowd = _crowd(rng, contacts)
    popularity = list(accumulate(1 / (rank + 10) for rank in range(contacts)))
    chosen = rng.choices(range(contacts), cum_weights=popularity, k=n)
    kinds = rng.choices(*_mix(evidence_share), k=n)
    recent: list[Record] = []
    for number in range(n):
        if recent and rng.random() < _DUPLICATE_SHARE:
            yield recent[int(rng.random() * len(recent))]
            continue
        record = _record(rng, number, crowd[chosen[number]], kinds[number])
        if len(recent) < _REMEMBERED:
            recent.append(record)
        else:
            recent[number % _REMEMBERED] = record
        yield record


def _crowd(rng: Random, size: int) -> list[_Somebody]:
    """So many contacts, person by person made and then mixed, so that how lively one is says nothing of the other."""
    crowd: list[_Somebody] = []
    for person in count():
        if len(crowd) >= size:
            break
        channels = [channel for channel, share in SHARES.items() if chance(rng, share) and channel != "crm"]
        for channel in channels or ["line"]:  # a till doesn't talk
            contact = contact_on(rng, channel, person, _phone(person))
            crowd.append(_Somebody(event_key(TENANT, contact.key), contact.ref, person))
    del crowd[size:]
    rng.shuffle(crowd)
    return crowd


def _phone(person: int) -> str:
    return f"+8869{person:08d}"


def _record(rng: Random, number: int, contact: _Somebody, tell: _Teller) -> Record:
    at = _START_MS + number * _STEP_MS
    delay = int(rng.random() * 30 * DAY) if rng.random() < _LATE_SHARE else 0
    type_name, data, intrinsic = tell(rng, contact)
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


def _said(rng: Random, contact: _Somebody) -> _Told:
    """The person: a message, a tap on the bot, a page in the shop."""
    if contact.channel == "web":
        product = brand.PRODUCTS[int(rng.random() * len(brand.PRODUCTS))]
        properties = {"sku": product.sku, "price": product.price}
        return "web.tracked", {"event": "product_viewed", "url": product.url, "properties": properties}, []
    if rng.random() < 0.4:  # noqa: PLR2004 - of every ten, four taps and six messages
        return (
            "bot.interacted",
            {"action": "postback", "payload": _BOT_PAYLOADS[int(rng.random() * len(_BOT_PAYLOADS))]},
            [],
        )
    text = brand.QUESTIONS[int(rng.random() * len(brand.QUESTIONS))]
    return "message.received", {"message_id": f"{rng.getrandbits(56):017d}", "kind": "text", "text": text}, []


def _answered(rng: Random, _: _Somebody) -> _Told:
    """The team: an answer, a campaign, a reminder."""
    purpose = _PURPOSES[int(rng.random() * len(_PURPOSES))]
    data = {"purpose": purpose, "message_id": f"out-{rng.getrandbits(64):016x}", "agent": "S101", "text": brand.WELCOME}
    return "team.message_sent", data, []


def _tagged(rng: Random, _: _Somebody) -> _Told:
    """A tag, one in ten of which is taken off."""
    tag = brand.TAGS[int(rng.random() * len(brand.TAGS))]
    if rng.random() < 0.1:  # noqa: PLR2004 - said in the line above
        return "tag.removed", {"tag": tag, "source": "manual"}, []
    return "tag.added", {"tag": tag, "source": "chatbot_button", "expires_after": 90}, []


def _described(rng: Random, contact: _Somebody) -> _Told:
    """A custom attribute, or the profile as the channel shows it."""
    if rng.random() < 1 / 3:
        return "profile.updated", {"display_name": f"茶友 {contact.ref['uid'][-4:]}", "locale": "zh-TW"}, []
    return "attribute.set", {"key": "total_spent", "value": int(rng.random() * 20_000), "type": "number"}, []


def _subscribed(rng: Random, contact: _Somebody) -> _Told:
    """Coming, going, and marketing consents."""
    dice = rng.random()
    if dice < 0.3 or contact.channel == "web":  # noqa: PLR2004 - three in ten; a browser can't be followed
        out = rng.random() < 1 / 2
        kinds = ["broadcast", "web_push", "cart_remarketing"]
        return f"marketing.opted_{'out' if out else 'in'}", {"kinds": kinds, "by": "customer"}, []
    if dice < 0.75:  # noqa: PLR2004 - more come than go
        return "contact.followed", {"via": "add_friend"}, []
    return "contact.blocked", {"via": "block"}, []


def _identified(rng: Random, contact: _Somebody) -> _Told:
    """Evidence: a login, a phone proved, a binding undone, or the channel's own id at first sight."""
    dice = rng.random()
    person = contact.person if rng.random() > _STRANGERS_SHARE else int(rng.random() * (contact.person + 1))
    phone = {"type": "phone", "value": _phone(person), "assurance": "verified"}
    own = _OWN_IDS.get(contact.channel)
    if own and dice < 0.2:  # noqa: PLR2004 - a fifth are first sights, where the channel has an id of its own
        type_name, prefix = own
        return "contact.followed", {"via": "add_friend"}, [{"type": type_name, "value": prefix + contact.ref["uid"]}]
    if dice < 0.9:  # noqa: PLR2004 - most are logins
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
_MIX: Final[tuple[tuple[_Teller, int], ...]] = (
    (_said, 60),
    (_answered, 15),
    (_tagged, 10),
    (_described, 5),
    (_subscribed, 5),
)


def _mix(evidence_share: float) -> tuple[list[_Teller], list[float]]:
    """What may be told, and how often: evidence as asked, the others share what is left."""
    others = sum(weight for _, weight in _MIX)
    shares = [weight * (1 - evidence_share) / others for _, weight in _MIX]
    return [*(tell for tell, _ in _MIX), _identified], [*shares, evidence_share]

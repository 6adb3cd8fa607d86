"""Random histories for the rules of resolution: few contacts and values, so that everything meets everything.

Each history draws its own mix of contacts, types and kinds of event, and each policy its own tight limits, so that
every rule, and every pair of rules, decides something in some history.
"""

from random import Random
from typing import Any, Final

from schemas.events import Event
from tests.support.identity_events import event, ref

Settings = dict[str, Any]

CONTACTS: Final = (
    *("web:shop:c1", "web:shop:c2", "web:shop:c:3"),
    *("line:oa1:U1", "line:oa1:U2", "line:oa2:U1"),
    *("facebook:pg:7", "instagram:ig:5", "whatsapp:n1:886911111111", "whatsapp:n1:TW.9"),
    *("crm:erp:1", "crm:erp:小"),
)
VALUES: Final = {
    "member_id": ["M7", "M8", " M7 ", "M9", "m7", "0", "null", "guest", "", "訪客"],
    "phone": [
        "+886911111111",
        "0911-111-111",
        "+886922222222",
        "886933333333",
        "+5511987654321",
        "551187654321",
        "12",
        "00886922222222",
        "9111111111111111",
        "+886212",
        "٠٩١١١١١١١١",
    ],
    "email": ["a@example.tw", " A@Example.TW ", "b@example.tw", "c@bücher.example", "test@test.com", "a@b", "a b@c.tw"],
    "x_card": ["1", "2", "3", " 1", "-1"],
    "x_seat": ["a:1", "a:2", "b:1", "a:", "1"],
    "line_user": ["p:U1", "p:U2", "p:U3", "q:U1", "U1", ":U1"],
    "facebook_user": ["pg:7", "pg:8"],
    "whatsapp_user": ["pf:1", "pf:2"],
    "club": ["c1", "c2"],
    "contact": [*CONTACTS, "web:shop:unseen", "web:a|b:c", "fax:a:b", "web:shop"],
}
_POLICIES: Final[dict[str, list[Settings]]] = {
    "member_id": [{"limit": 1}, {"limit": 2}, {"claimed_limit": 1}, {"claimed": 3}, {"claimed": 1}, {"claimed": None}],
    "line_user": [{"verified": 2}, {"claimed": 3}, {"limit": 1}, {"exclusive": {"guards": 0}}, {"exclusive": None}],
    "facebook_user": [{"exclusive": {"guards": 4}}, {"exclusive": {"scope": "tenant"}}],
    "whatsapp_user": [{"limit": 1}, {"exclusive": {"scope": "prefix", "guards": 2}}],
    "phone": [
        {"limit": 1},
        {"limit": 2},
        {"claimed_limit": 1},
        {"claimed": 3},
        {"claimed": 1, "limit": 3},
        {"stated": None},
    ],
    "email": [{"limit": 2, "claimed_limit": 1}, {"verified": 1}, {"claimed": None}, {"exclusive": {}}],
    "contact": [{"limit": 1}, {"limit": 2}, {"claimed": 3}, {"claimed": 2}, {"claimed_limit": 1, "claimed": 4}],
    "x_card": [{"exclusive": {"guards": 3}}, {"exclusive": {}}, {"limit": 1}, {"claimed": 1}],
    "x_seat": [{"exclusive": {"scope": "prefix", "guards": 2}}, {"verified": None}],
    "club": [{}, {"limit": 1}, {"exclusive": {"guards": 3}}],
}
_KINDS: Final = {  # how often each comes; in the order of their names
    "contact.erased": 0.5,
    "identity.bound": 3.5,
    "identity.decided": 1.5,
    "identity.unbound": 1.5,
    "member.merged": 0.7,
    "message.received": 0.3,
}
_SPAN: Final = 9  # times of a history; many events are simultaneous


def random_policy(chance: Random) -> Settings:
    """The settings of a policy with tight limits; the default policy now and then."""
    if chance.random() < 0.2:
        return {}
    types = chance.sample(sorted(_POLICIES), chance.randint(0, len(_POLICIES)))
    settings: Settings = {"types": {name: chance.choice(_POLICIES[name]) for name in types}}
    for name, values in (
        ("shared_device_limit", [1, 2, 3]),
        ("blocked", [["M8", "a@.*"], []]),
        ("also_blocked", [["m7"], ["c[0-9]", ".*:7"], [r"\+55119.*"]]),
        ("default_region", ["TW", "BR"]),
        ("phones", ["possible", "valid"]),
    ):
        if chance.random() < 0.3:
            settings[name] = chance.choice(values)
    return settings


def rule_history(chance: Random, size: int) -> list[Event]:
    """``size`` events of one tenant, some of them copies of others with another content."""
    author = _Author(chance)
    events: list[Event] = []
    for _ in range(size):
        events.append(author.event())
        if chance.random() < author.copies:
            events.append(author.copy_of(chance.choice(events)))
    chance.shuffle(events)
    return events


def many_claims(chance: Random) -> list[Event]:
    """One contact's claims of more values than count, others that hold some of them, and a history around them."""
    contact, other = chance.sample(CONTACTS, 2)
    claims = [
        _bound(contact, chance.randint(0, 40), [("x_card", f"c{number:03d}", "claimed")])
        for number in range(chance.randint(98, 106))
    ]
    again = [_bound(other, 3, [("x_card", f"c{chance.randint(0, 105):03d}", "verified")]) for _ in range(2)]
    taken_back = [
        _bound(contact, chance.randint(0, 60), [("x_card", f"c{chance.randint(0, 20):03d}", None)], retracts=True)
        for _ in range(chance.randint(0, 3))
    ]
    return claims + again + taken_back + rule_history(chance, 5)


def _bound(contact: str, at: int, rows: list[tuple[str, str, str | None]], *, retracts: bool = False) -> Event:
    identifiers = [
        {"type": name, "value": value} | ({"assurance": assurance} if assurance else {})
        for name, value, assurance in rows
    ]
    return event(contact, f"identity.{'unbound' if retracts else 'bound'}", {"identifiers": identifiers}, at=at)


class _Author:
    """Draws events from one history's own mix of contacts, types, values, assurances and kinds."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._contacts = chance.sample(CONTACTS, chance.randint(2, 8))
        self._types = chance.sample(sorted(VALUES), chance.randint(1, 6))
        self._depth = chance.choice([1, 2, 3, 20])  # of how many values of a type
        self._browsing = chance.random()  # the share of events that are a browser's logins
        self._vouching = chance.choice([0.0, 0.1, 0.4])
        mixes: list[list[str | None]] = [
            ["claimed"],
            ["verified", "claimed"],
            ["verified", "stated", "claimed", None],
            ["stated", "claimed"],
        ]
        self._assurances = chance.choice(mixes)
        self.copies = chance.choice([0.0, 0.05, 0.2])
        self._kinds = chance.choices(sorted(_KINDS), [*_KINDS.values()], k=8)

    def event(self, event_id: str | None = None, contact: str | None = None) -> Event:
        chance = self._chance
        kind = chance.choice(self._kinds)
        if kind == "member.merged" and event_id is None:
            return self._merge(chance.randrange(_SPAN))
        contact = contact or chance.choice(self._contacts)
        more: dict[str, Any] = {"event_id": event_id} if event_id else {}
        if chance.random() < self._vouching:
            more["intrinsic"] = [self._identifier() for _ in range(chance.randint(1, 2))]
        if contact.startswith("web:") and chance.random() < self._browsing:
            kind = "login"
        name, data = self._content(kind)
        return event(contact, name, data, at=chance.randrange(_SPAN), **more)

    def _content(self, kind: str) -> tuple[str, dict[str, Any]]:
        match kind:
            case "login":
                return "identity.bound", self._login()
            case "identity.decided":
                verdict = self._chance.choice(["same", "same", "different", "undecided"])
                return kind, {"other": ref(self._chance.choice(self._contacts)), "decision": verdict, "by": "amy"}
            case "contact.erased":
                return kind, {"request_id": "r"}
            case "message.received":
                return kind, {"message_id": "m", "kind": "text"}
            case "identity.unbound":
                return kind, self._binding()
            case _:
                return "identity.bound", self._binding()

    def copy_of(self, one: Event) -> Event:
        """An event of the same id and contact with another content, or the very same."""
        if self._chance.random() < 0.3:
            return one
        if one.contact is None:
            return self._merge(self._chance.randrange(_SPAN), event_id=one.event_id)
        return self.event(one.event_id, one.contact.key)

    def _identifier(self) -> dict[str, str]:
        name = self._chance.choice(self._types)
        values = VALUES[name]
        start = self._chance.choice([0, 0, 1]) if self._depth < 20 else 0
        return {"type": name, "value": self._chance.choice(values[start : start + self._depth])}

    def _asserted(self) -> dict[str, str]:
        assurance = self._chance.choice(self._assurances)
        return self._identifier() | ({"assurance": assurance} if assurance else {})

    def _binding(self) -> dict[str, Any]:
        linked = ref(self._chance.choice(self._contacts)) if self._chance.random() < 0.25 else None
        return {"identifiers": [self._asserted() for _ in range(self._chance.randint(0, 3))], "linked_contact": linked}

    def _login(self) -> dict[str, Any]:
        member = {"type": "member_id", "value": self._chance.choice(VALUES["member_id"][:4])}
        data = self._binding()
        data["identifiers"] += [member | {"assurance": self._chance.choice(["verified", "stated", "claimed"])}]
        return data

    def _merge(self, at: int, **more: Any) -> Event:
        members = ["M7", "M8", "M9", "m7"]
        into = self._chance.choice([*members, *members, None, "guest", " M9", ""])
        data = {"member_id": self._chance.choice([*members, " M8 ", "0"]), "into": into}
        return event(None, "member.merged", data, at=at, **more)

"""Histories of identity events with few contacts and values, so that they share, conflict and repeat."""

from collections.abc import Iterable
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from projections.erasures.folds import digest_of
from projections.identity.resolution.policy import Policy
from schemas.codec import from_dict
from schemas.events import Event
from tests.support.streams import id_of

T0: Final = 1_735_660_800_000
CONTACTS: Final = (
    ("line", "oa1", "U1"),
    ("line", "oa2", "U1"),
    ("facebook", "pg", "7"),
    ("web", "shop", "c1"),
    ("web", "shop", "c:2"),
    ("web", "shop", "c3"),
    ("whatsapp", "n1", "886911111111"),
    ("crm", "erp", "小"),
    ("crm", "erp", "2"),
)
VALUES: Final = {
    "member_id": ["M7", "M8", " M7 ", "m7", "M9", "M0", "0", "guest"],
    "line_user": ["p:U1", "p:U2", "p:U3", "p:U4", "q:U1", "nobody"],
    "facebook_user": ["pg:7", "pg:8"],
    "whatsapp_user": ["TW.1:1", "TW.1:2"],
    "phone": ["+886911111111", "0911-111-111", "+886922222222", "+5511987654321", "0000", "02-123"],
    "email": ["a@example.tw", " A@Example.TW ", "b@example.tw", "test@test.com", "nothing"],
    "contact": [":".join(contact) for contact in CONTACTS] + ["web:shop:unseen", "nobody"],
    "x_card": ["1", "2", "3", "4", "5"],
    "x_seat": ["a:1", "a:2", "b:1"],
    "shoe_size": ["42"],
}
ASSURANCES: Final = ("verified", "stated", "claimed", None)
MEMBERS: Final = ("M7", "M8", "M9", "m7")
_LOGINS: Final = "member_id"


def listing(event_id: str) -> dict[str, Any]:
    """What erases the event of this id, whichever contact it is of."""
    return {
        "events": [digest_of(id_of("demo", ":".join(one)), event_id).hex for one in CONTACTS],
        "request_id": "r",
    }


chances: Final = st.builds(Random, st.integers(0, 2**32))
# The machine may be busy; and a random history gives hypothesis nothing to shrink.
patient: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
dice: Final = settings(patient, phases=[Phase.explicit, Phase.generate])

contacts: Final = st.sampled_from(CONTACTS).map(lambda it: {"channel": it[0], "account": it[1], "uid": it[2]})
identifiers: Final = st.sampled_from([*sorted(VALUES), _LOGINS, _LOGINS]).flatmap(
    lambda name: st.builds(lambda value: {"type": name, "value": value}, st.sampled_from(VALUES[name]))
)
asserted: Final = st.builds(
    lambda identifier, assurance: identifier | ({"assurance": assurance} if assurance else {}),
    identifiers,
    st.sampled_from(ASSURANCES),
)
bindings: Final = st.builds(
    lambda identifiers, linked: {"identifiers": identifiers, "linked_contact": linked},
    st.lists(asserted, max_size=3),
    st.none() | st.none() | contacts,
)
decisions: Final = st.builds(
    lambda other, verdict: {"other": other, "decision": verdict, "by": "amy"},
    contacts,
    st.sampled_from(["same", "same", "different", "undecided"]),
)
merges: Final = st.builds(
    lambda member_id, into: {"member_id": member_id, "into": into},
    st.sampled_from(MEMBERS),
    st.sampled_from([*MEMBERS, None]),
)
typed: Final = st.one_of(
    st.tuples(st.just("identity.bound"), bindings),
    st.tuples(st.just("identity.bound"), bindings),
    st.tuples(st.just("identity.bound"), bindings),
    st.tuples(st.just("identity.unbound"), bindings),
    st.tuples(st.just("identity.decided"), decisions),
    st.tuples(st.just("member.merged"), merges),
    st.tuples(st.just("contact.erased"), st.just({"request_id": "r"})),
    st.tuples(st.just("contact.events_erased"), st.builds(lambda number: listing(f"e{number}"), st.integers(0, 60))),
    st.tuples(st.just("contact.superseded"), st.builds(lambda by: {"by": by}, contacts)),
    st.tuples(st.just("nobody.knows"), st.just({})),
)


def made(  # noqa: PLR0913 - an event has that many parts
    contact: tuple[str, str, str] | None,
    type_name: str,
    data: dict[str, Any],
    *,
    at: int,
    event_id: str,
    intrinsic: list[Any] | None = None,
) -> Event:
    """An event ``at`` ms after the beginning of the history. One that is about member ids has no contact."""
    if type_name == "member.merged":
        contact, intrinsic = None, None
    named = zip(("channel", "account", "uid"), contact, strict=True) if contact else None
    return from_dict(
        {
            "event_id": event_id,
            "tenant": "demo",
            "contact": dict(named) if named else None,
            "type": type_name,
            "occurred_at": T0 + at,
            "received_at": T0 + at,
            "source": "test",
            "intrinsic": intrinsic or [],
            "data": data,
        }
    )


events: Final = st.builds(
    lambda contact, said, at, event_id, intrinsic: made(
        contact, said[0], said[1], at=at, event_id=f"e{event_id}", intrinsic=intrinsic
    ),
    st.sampled_from([*CONTACTS, None]),
    typed,
    st.integers(0, 6),
    st.integers(0, 60),
    st.just([]) | st.lists(identifiers, max_size=2),
)


@st.composite
def histories(draw: st.DrawFn, max_size: int = 16) -> list[Event]:
    """A list of events with repeats; one event id may have two contents. Long lists are as likely as short ones."""
    size = draw(st.integers(0, max_size))
    once = draw(st.lists(events, min_size=size, max_size=size))
    again = draw(st.lists(st.sampled_from(once), max_size=3)) if once else []
    return once + again


def random_history(chance: Random, size: int, intrinsic_share: float = 0.25) -> list[Event]:
    """A long random history: hypothesis can't shrink it, but it has far more shared values and conflicts."""
    return _Random(chance, intrinsic_share).events(size)


class _Random:
    """One history: which contacts, types and times it is about, and how often an event has two contents."""

    def __init__(self, chance: Random, intrinsic_share: float) -> None:
        self.chance = chance
        self.intrinsic_share = intrinsic_share
        self.keys = chance.sample(CONTACTS, chance.randint(2, len(CONTACTS)))
        self.names = [*chance.sample(sorted(VALUES), chance.randint(2, 6)), *chance.choice([[], [_LOGINS] * 2])]
        self.values = chance.randint(1, 8)
        self.times = chance.choice([3, 8, 30])

    def events(self, size: int) -> list[Event]:
        ids = self.chance.choice([max(2, size // 2), 1000])
        return [
            made(
                self.chance.choice(self.keys),
                *self._said(ids),
                at=self.chance.randint(0, self.times),
                event_id=f"e{self.chance.randrange(ids)}",
                intrinsic=[self._identifier()] if self.chance.random() < self.intrinsic_share else [],
            )
            for _ in range(size)
        ]

    def _said(self, ids: int) -> tuple[str, dict[str, Any]]:
        chance = self.chance
        dice = chance.random()
        if dice < 0.1:
            verdict = chance.choice(["same", "different", "undecided"])
            return "identity.decided", {"other": self._contact(), "decision": verdict, "by": "amy"}
        if dice < 0.17:
            into = chance.choice([*MEMBERS, None])
            return "member.merged", {"member_id": chance.choice(MEMBERS), "into": into}
        if dice < 0.21:
            return "contact.erased", {"request_id": "r"}
        if dice < 0.24:
            return "contact.events_erased", listing(f"e{chance.randrange(ids)}")
        if dice < 0.28:
            return "nobody.knows", {}
        return "identity.unbound" if dice < 0.4 else "identity.bound", {
            "identifiers": [self._asserted() for _ in range(chance.randint(0, 2))],
            "linked_contact": self._contact() if chance.random() < 0.2 else None,
        }

    def _contact(self) -> dict[str, str]:
        channel, account, uid = self.chance.choice(self.keys)
        return {"channel": channel, "account": account, "uid": uid}

    def _identifier(self) -> dict[str, str]:
        name = self.chance.choice(self.names)
        return {"type": name, "value": self.chance.choice(VALUES[name][: self.values])}

    def _asserted(self) -> dict[str, str]:
        assurance = self.chance.choice(ASSURANCES)
        return self._identifier() | ({"assurance": assurance} if assurance else {})


_TIGHT: Final[dict[str, list[dict[str, Any]]]] = {
    "member_id": [{"limit": 1}, {"limit": 2}, {"claimed_limit": 1}, {"claimed": 3}, {"stated": None}, {"claimed": 1}],
    "line_user": [{"verified": 2}, {"claimed": 3}, {"exclusive": {"guards": 0}}],
    "phone": [{"limit": 1}, {"limit": 2}, {"claimed_limit": 1}, {"claimed": None}, {"stated": 2}],
    "email": [{"limit": 1}, {"claimed_limit": 2}, {"verified": None}],
    "contact": [{"limit": 1}, {"limit": 2}, {"claimed": 3}],
    "x_card": [{"exclusive": {"scope": "tenant", "guards": 3}}, {"exclusive": {"guards": 0}}, {"limit": 1}],
    "x_seat": [{"exclusive": {"scope": "prefix", "guards": 2}}, {"claimed_limit": 1}],
    "shoe_size": [{"verified": 3}],
}
_DEVICES: Final = (1, 2, 3)
_PHONES: Final = ("valid", "valid", "possible")


def _policy(types: dict[str, Any], devices: int, phones: str) -> Policy:
    return Policy.from_json({"types": types, "shared_device_limit": devices, "phones": phones})


tight_types: Final[SearchStrategy[dict[str, Any]]] = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(rules) for name, rules in _TIGHT.items()}
)
policies: Final = st.just(Policy()) | st.builds(
    _policy, tight_types, st.sampled_from(_DEVICES), st.sampled_from(_PHONES)
)


def random_policy(chance: Random) -> Policy:
    """The default policy, or one that is tight for some types."""
    if chance.random() < 0.4:
        return Policy()
    types = {name: chance.choice(rules) for name, rules in _TIGHT.items() if chance.random() < 0.5}
    return _policy(types, chance.choice(_DEVICES), chance.choice(_PHONES))


def cut(events: list[Event], chance: Random) -> list[list[Event]]:
    """The events in another order, some of them again, in chunks of any size."""
    shuffled = events + chance.sample(events, min(len(events), 3))
    chance.shuffle(shuffled)
    chunks: list[list[Event]] = []
    while shuffled:
        size = chance.choice([1, 1, 2, 5, 20])
        chunks.append(shuffled[:size])
        shuffled = shuffled[size:]
    return chunks


def distinct(events: Iterable[Event]) -> list[Event]:
    """One content for each event id of a contact."""
    return list({(event.contact, event.event_id): event for event in events}.values())

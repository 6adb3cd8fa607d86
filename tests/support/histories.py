"""Histories of identity events with few contacts and values, so that they share, conflict and repeat."""

from collections.abc import Iterable
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from projections.identity.resolution.policy import Policy
from schemas.codec import from_dict
from schemas.events import Event

T0: Final = 1_735_660_800_000
CONTACTS: Final = (
    ("line", "oa1", "U1"),
    ("line", "oa2", "U1"),
    ("facebook", "pg", "7"),
    ("web", "shop", "c1"),
    ("web", "shop", "c:2"),
    ("whatsapp", "n1", "886911111111"),
    ("crm", "erp", "小"),
)
VALUES: Final = {
    "member_id": ["M7", "M8", " M7 ", "m7", "M9", "M0", "0", "null"],
    "line_user": ["p:U1", "p:U2", "p:U3", "p:U4", "q:U1", "nobody"],
    "facebook_user": ["pg:7", "pg:8"],
    "whatsapp_user": ["TW.1:1", "TW.1:2"],
    "phone": ["+886911111111", "0911-111-111", "+886922222222", "0922222222", "0000", "12"],
    "email": ["a@example.tw", " A@Example.TW ", "b@example.tw", "test@test.com", "nothing"],
    "contact": [":".join(contact) for contact in CONTACTS] + ["web:shop:unseen", "nobody"],
    "x_card": ["1", "2", "3"],
    "x_seat": ["a:1", "a:2", "b:1"],
    "shoe_size": ["42"],
}

chances: Final = st.builds(Random, st.integers(0, 2**32))
# The machine may be busy; and a random history gives hypothesis nothing to shrink.
patient: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
dice: Final = settings(patient, phases=[Phase.explicit, Phase.generate])

contacts: Final = st.sampled_from(CONTACTS).map(lambda it: {"channel": it[0], "account": it[1], "uid": it[2]})
identifiers: Final = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.builds(lambda value: {"type": name, "value": value}, st.sampled_from(VALUES[name]))
)
asserted: Final = st.builds(
    lambda identifier, assurance: identifier | {"assurance": assurance},
    identifiers,
    st.sampled_from(["verified", "claimed"]),
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
typed: Final = st.one_of(
    st.tuples(st.just("identity.bound"), bindings),
    st.tuples(st.just("identity.bound"), bindings),
    st.tuples(st.just("identity.bound"), bindings),
    st.tuples(st.just("identity.unbound"), bindings),
    st.tuples(st.just("identity.decided"), decisions),
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
    """An event ``at`` ms after the beginning of the history."""
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
    keys = chance.sample(CONTACTS, chance.randint(2, len(CONTACTS)))
    names = chance.sample(sorted(VALUES), chance.randint(2, 6))
    ids = chance.choice([10, 1000])

    def contact() -> dict[str, str]:
        channel, account, uid = chance.choice(keys)
        return {"channel": channel, "account": account, "uid": uid}

    def identifier() -> dict[str, str]:
        name = chance.choice(names)
        return {"type": name, "value": chance.choice(VALUES[name][: chance.randint(1, 8)])}

    def said() -> tuple[str, dict[str, Any]]:
        dice = chance.random()
        if dice < 0.12:
            verdict = chance.choice(["same", "different", "undecided"])
            return "identity.decided", {"other": contact(), "decision": verdict, "by": "amy"}
        assurances = [chance.choice(["verified", "verified", "claimed"]) for _ in range(chance.randint(0, 2))]
        return "identity.unbound" if dice < 0.25 else "identity.bound", {
            "identifiers": [identifier() | {"assurance": assurance} for assurance in assurances],
            "linked_contact": contact() if chance.random() < 0.2 else None,
        }

    return [
        made(
            chance.choice(keys),
            *said(),
            at=chance.randint(0, 8),
            event_id=f"e{chance.randrange(ids)}",
            intrinsic=[identifier()] if chance.random() < intrinsic_share else [],
        )
        for _ in range(size)
    ]


tight_types: Final[SearchStrategy[dict[str, Any]]] = st.fixed_dictionaries(
    {},
    optional={
        "member_id": st.sampled_from([{"limit": 2}, {"claimed": 2}, {"exclusive": {"guards": 2}}, {"exclusive": None}]),
        "line_user": st.sampled_from([{"verified": 2}, {"claimed": 3}, {"exclusive": {"guards": 0}}]),
        "phone": st.sampled_from([{"limit": 1}, {"limit": 2}, {"claimed": None}]),
        "contact": st.sampled_from([{"limit": 1}, {"limit": 2}, {"claimed": 3}]),
        "x_card": st.sampled_from([{"exclusive": {"scope": "tenant", "guards": 3}}, {"exclusive": {"guards": 0}}]),
    },
)
policies: Final = st.just(Policy()) | st.builds(
    lambda types, devices: Policy.from_json({"types": types, "shared_device_limit": devices}),
    tight_types,
    st.sampled_from([1, 2, 3]),
)


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

"""Random histories with many merges, splits and repeated merges, in small groups of contacts called families."""

from collections.abc import Iterator
from random import Random
from typing import Final

from schemas.events import Event
from tests.support.identity_events import bound, claimed, decided, erased, event, merged, seen, unbound

TENANTS: Final = ("demo", "other", "third")
_FAMILIES: Final = 8  # of a tenant


def contacts_of(family: int) -> list[str]:
    """The contacts of one family."""
    return [f"web:shop:f{family}a", f"web:shop:f{family}b", f"line:oa1:F{family}", f"whatsapp:n1:88691{family:07d}"]


def contacts() -> list[str]:
    """All contacts of a tenant that a history may be about."""
    return [contact for family in range(_FAMILIES) for contact in contacts_of(family)]


def history(chance: Random) -> Iterator[Event]:
    """Endless events of several tenants: logins, bindings and unbindings, decisions, merged member ids, erasures."""
    at = 0
    while True:
        at += chance.randint(-3, 10)  # some come late
        tenant, family = chance.choice(TENANTS), chance.randrange(_FAMILIES)
        yield _event_of(chance, family, at).model_copy(update={"tenant": tenant})


def _event_of(chance: Random, family: int, at: int) -> Event:
    one, other = chance.sample(contacts_of(family), 2)
    member, phone = f"M{family}-{chance.randrange(2)}", f"+88692{family:07d}"
    dice = chance.randrange(10)
    if dice < 3:
        return bound(one, member_id=member, at=at, assurance=chance.choice(["verified", "stated", "claimed"]))
    if chance.random() < 0.05:
        rare = (merged(f"M{family}-0", chance.choice([f"M{family}-1", None]), at=at), erased(one, at=at))
        return chance.choice(rare)
    kinds = (
        lambda: claimed(one, phone=phone, at=at),
        lambda: unbound(one, member_id=member, at=at),
        lambda: unbound(one, phone=phone, at=at),
        lambda: bound(one, link=other, at=at),
        lambda: decided(one, other, chance.choice(["same", "different", "undecided"]), at=at),
        lambda: seen(one, at=at, **chance.choice([{"phone": phone}, {"member_id": member}])),
        lambda: event(one, "tag.added", {"tag": f"T{at % 3}", "source": "manual"}, at=at),
    )
    return kinds[dice - 3]()

"""The longest values that an event can have are saved: no index refuses a row for its length."""

from random import Random

from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from projections.identity.tables import MEMBERS
from tests.support.identity import Identity
from tests.support.identity_events import bound, decided, merged, unbound
from tests.support.streams import content, id_of, policies_for

_WIDE = [chr(code) for code in range(0x20000, 0x20400)]  # four bytes of UTF-8 each, and no run that would compress


def longest(seed: int, length: int = 512) -> str:
    return "".join(Random(seed).choices(_WIDE, k=length))


def browser(seed: int) -> str:
    return f"web:{longest(seed, 255)}:{longest(seed + 1, 255)}"


async def test_the_longest_values_of_every_type_are_saved(identity: Identity) -> None:
    one, other = browser(1), browser(3)
    policy = Policy.from_json({"types": {"x_seat": {"exclusive": {"scope": "prefix", "guards": 2}}}})
    values = {
        "member_id": longest(5),
        "email": f"{longest(6, 400)}@{'example.' * 5}tw",
        "x_ga": longest(7),
        "x_seat": f"{longest(8, 250)}:{longest(9, 250)}",
    }
    events = [
        bound(one, assurance="verified", at=1, link=other, **values),
        bound(other, assurance="stated", at=2, member_id=longest(10), link=one),
        bound(other, assurance="claimed", at=3, **values),
        decided(one, other, "different", at=4),
        merged(longest(10), longest(11), at=5),
        unbound(one, at=6, email=values["email"]),
    ]
    for event in events:
        await identity.save(event, policy=policy)
    assert {row.contact for row in await identity.rows(MEMBERS)} == {one, other}
    reference = resolve_log(events, policies_for(["demo"], policy), id_of)
    assert content(await identity.tables()) == content(reference)


async def test_a_value_that_grows_by_normalising_is_saved(identity: Identity) -> None:
    grown = "\ufdfa" * 400  # one character that is eighteen when normalised
    await identity.save(bound("web:shop:c1", at=1, email=f"{grown}@example.tw"))
    assert len(await identity.rows(MEMBERS)) == 1

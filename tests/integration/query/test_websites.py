"""What a website's messages make of customers: members' own values, shared browsers, keys, and aliases."""

import hmac
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import asyncpg

from projections.attributes.tables import MOST_CLAIMED
from projections.bindings.queries import MOST_PUBLIC
from schemas.codec import decode
from schemas.events import Event
from services.ingress.adapters.identity import PostgresIdentity
from services.ingress.core.web import Delivery, Site, TenantKnowledge, translate
from services.ingress.handlers.daily_dedup import DailyDedup
from services.ingress.handlers.login_checks import LoginChecks
from services.ingress.ports import Record
from tests.support.identity_events import merged
from tests.support.read_api import MASTER, NOW, Brand, id_of

PUBLIC: Final = Site("demo", "site", "shop", login_secrets=("s3cret",))
SERVER: Final = replace(PUBLIC, assurance="stated")
BROWSER: Final = "web:shop:c1"
A: Final = {"name": "Ann", "email": "ann@example.tw", "phone": "+886911111111", "birthday": "1990-01-31"}
B: Final = {"name": "Bo", "email": "bo@example.tw"}


def own(member: str) -> str:
    return f"web:shop:user:{member}"


class FoldingLog:
    """A log whose events are folded at once."""

    def __init__(self, brand: Brand) -> None:
        self._brand, self.appended = brand, 0

    async def append(self, records: Sequence[Record]) -> None:
        self.appended += len(records)
        await self._brand.fold(*(decode(one.value) for one in records))


class Shop:
    """A website that is read by the read API; each message is a minute after the one before."""

    def __init__(self, brand: Brand, after: int = 0) -> None:
        self._brand, self._dedup, self._at = brand, DailyDedup(), NOW - 3_600_000 + after
        self._left_out: list[Event] = []

    async def check_logins(self) -> int:
        """How many logins that were left out are sent after all."""
        log = FoldingLog(self._brand)
        self._left_out += self._dedup.take_left_out()
        async with asyncpg.create_pool(self._brand.url, min_size=1, max_size=1) as pool:
            await LoginChecks(self._dedup, PostgresIdentity(pool, MASTER, "TW"), log).check(self._left_out)
        return log.appended

    async def say(self, kind: str, site: Site = PUBLIC, known: TenantKnowledge | None = None, **fields: Any) -> None:
        self._at += 60_000
        at = fields.pop("at", self._at)
        message = {"type": kind, "event": "x", "messageId": f"m{at}", "timestamp": at} | fields
        new = self._dedup.new_events(translate([message], site, Delivery(self._at), known).events)
        self._dedup.remember(new)
        await self._brand.fold(*new)

    async def customer(self, contact: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._brand.json(f"/v1/customers/{id_of(contact)}")
        return found


def values(customer: dict[str, Any]) -> dict[str, Any]:
    attributes = {key: one["value"] for key, one in customer["attributes"].items()}
    return {name: customer[name] for name in ("member_id", "name", "email", "phone")} | {"attributes": attributes}


async def test_who_logs_in_on_a_browser_has_nothing_of_the_one_before(brand: Brand) -> None:
    shop = Shop(brand)
    await shop.say("identify", anonymousId="c1", userId="A", traits=A)
    await shop.say("identify", anonymousId="c1", userId="B", traits=B)
    assert values(await shop.customer(own("A"))) == {
        "member_id": "A",
        "name": "Ann",
        "email": "ann@example.tw",
        "phone": "+886911111111",
        "attributes": {"birthday": "1990-01-31"},
    }
    customer = await shop.customer(own("B"))
    assert values(customer) == {
        "member_id": "B",
        "name": "Bo",
        "email": "bo@example.tw",
        "phone": None,
        "attributes": {},
    }
    assert {one["contact"] for one in customer["contacts"]} == {own("B"), BROWSER}


async def test_a_browser_that_two_members_track_on_in_turn_ends_with_the_last(brand: Brand) -> None:
    shop = Shop(brand)
    for member in ("A", "B", "A"):
        await shop.say("track", anonymousId="c1", userId=member)
    assert (await shop.customer(BROWSER))["member_id"] == "A"


async def test_a_browser_that_two_processes_serve_ends_with_the_last_member(brand: Brand) -> None:
    """Each process knows only what it sent itself, and leaves out what it takes for a repeat."""
    one, other = Shop(brand, 0), Shop(brand, 30_000)
    await one.say("track", anonymousId="c1", userId="A")
    await other.say("track", anonymousId="c1", userId="B")
    await one.say("track", anonymousId="c1", userId="A")
    assert (await one.customer(BROWSER))["member_id"] == "B"
    assert await one.check_logins() == 1
    assert (await one.customer(BROWSER))["member_id"] == "A"
    await one.say("track", anonymousId="c1", userId="A")
    assert await one.check_logins() == 0
    assert await other.check_logins() == 0


async def test_so_it_does_where_both_processes_leave_a_login_out(brand: Brand) -> None:
    one, other = Shop(brand), Shop(brand)
    for shop, member, minute in ((one, "A", 1), (other, "A", 3), (one, "B", 2), (other, "A", 5), (one, "B", 4)):
        await shop.say("track", anonymousId="c1", userId=member, at=NOW - 3_600_000 + minute * 60_000)
    assert [await shop.check_logins() for shop in (other, one, other, one)] == [0, 1, 1, 0]
    assert (await one.customer(BROWSER))["member_id"] == "A"


async def test_a_public_key_changes_nothing_that_a_servers_key_stated(brand: Brand) -> None:
    shop = Shop(brand)
    await shop.say("identify", SERVER, userId="A", traits=A)
    before = values(await shop.customer(own("A")))
    forged = {"name": "Mallory", "email": "m@example.tw", "phone": "+886922222222", "birthday": None, "vip": True}
    await shop.say("identify", userId="A", traits=forged)
    await shop.say("identify", anonymousId="c9", userId="A", traits=forged)
    after = await shop.customer(own("A"))
    assert values(after) == before | {"attributes": {"birthday": "1990-01-31", "vip": True}}
    assert {key: one["claimed"] for key, one in after["attributes"].items()} == {"birthday": False, "vip": True}


async def test_what_a_public_key_says_of_a_member_is_shown_in_a_bounded_part(brand: Brand) -> None:
    shop = Shop(brand)
    await shop.say("identify", SERVER, userId="A", traits=A | {f"own{n}": n for n in range(90)})
    for body in range(3):
        names = [f"{body}_{n}" for n in range(90)]
        await shop.say("identify", userId="A", traits={f"x{name}": name for name in names})
        for start in range(0, 90, 10):
            emails = [f"{name}@example.tw" for name in names[start : start + 10]]
            await shop.say("track", userId="A", context={"traits": {"email": emails}})
    customer = await shop.customer(own("A"))
    attributes = customer["attributes"]
    assert sum(one["claimed"] for one in attributes.values()) == MOST_CLAIMED
    assert {f"own{n}" for n in range(90)} < attributes.keys()
    assert {f"x2_{n}" for n in range(90)} < attributes.keys()
    (contact,) = customer["contacts"]
    assert len(contact["bindings"]) == MOST_PUBLIC


async def test_a_signed_login_is_proven(brand: Brand) -> None:
    shop = Shop(brand)
    sign = hmac.digest(b"s3cret", b"A", "sha256").hex()
    await shop.say("track", anonymousId="c1", userId="A", context={"identityHash": sign})
    await shop.say("track", anonymousId="c2", userId="A")
    found = {one["contact"]: one["by_claim"] for one in (await shop.customer(own("A")))["contacts"]}
    assert found == {own("A"): False, BROWSER: False, "web:shop:c2": True}


async def test_placeholders_join_nobody(brand: Brand) -> None:
    shop = Shop(brand)
    for member in ("A", "B"):
        await shop.say("identify", anonymousId="undefined", userId=member, traits={"name": member})
    for browser in ("c1", "c2"):
        await shop.say("identify", anonymousId=browser, userId="guest", traits={"name": browser})
    for contact in (own("A"), own("B"), BROWSER, "web:shop:c2"):
        assert [one["contact"] for one in (await shop.customer(contact))["contacts"]] == [contact]
    assert (await brand.get(f"/v1/customers/{id_of('web:shop:undefined')}")).status_code == 404


async def test_an_alias_binds_a_browser_and_makes_none_of_a_member(brand: Brand) -> None:
    shop = Shop(brand)
    await shop.say("page", anonymousId="c1")
    await shop.say("alias", previousId="c1", userId="A")
    assert {one["contact"] for one in (await shop.customer(own("A")))["contacts"]} == {own("A"), BROWSER}
    async with asyncpg.create_pool(brand.url, min_size=1, max_size=1) as pool:
        identity = PostgresIdentity(pool, MASTER, "TW")
        known = TenantKnowledge(members=await identity.known_members("demo", ["A", "B", "guest", "c1"]))
        assert known.members == {"A": "A"}
        await shop.say("alias", known=known, previousId="A", userId="B")
        assert (await brand.get(f"/v1/customers/{id_of('web:shop:A')}")).status_code == 404
        await brand.fold_identity(merged("A", "B"))
        assert await identity.known_members("demo", ["A", "B"]) == {"A": "B", "B": "B"}

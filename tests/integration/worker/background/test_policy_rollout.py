"""A policy is rolled out while evidence arrives: in the end everything is as if it had always been in force."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, cast

import asyncpg
import orjson
import pytest

from projections.engine.connection import Connection
from projections.engine.metadata import Row, Rows, Table, key_of, row_type
from projections.engine.projection import ContactEvent
from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from projections.identity.resolutions import active_resolution
from projections.identity.rules import DEFAULT_VERSION
from projections.identity.tables import MEMBERS, POLICIES, RESOLUTIONS, RESOLVED, ResolutionRow
from schemas.events import Event
from services.runtime.database import BY_KEY
from services.runtime.settings import Settings
from services.worker.agent_spec import AgentSpec, Connect, WorkerResources
from services.worker.agents.identity import identity as identity_work
from services.worker.background.policy_rollout import PolicyRollout
from tests.support.histories import random_history
from tests.support.identity import Identity
from tests.support.identity_events import bound, claimed, event, merged
from tests.support.rounds import rounds
from tests.support.streams import consumed, content, id_of, membership, policies_for

LOOSE: dict[str, Any] = {"types": {"phone": {"limit": 100, "claimed_limit": 100}, "member_id": {"claimed": 3}}}
TIGHT: dict[str, Any] = {"types": {"phone": {"limit": 1}, "contact": {"limit": 2}}, "shared_device_limit": 2}
HONG_KONG: dict[str, Any] = {"default_region": "HK", "types": {"email": {"claimed": None}, "x_card": {"verified": 1}}}


class Tenants:
    """The agent and the rollout on one database."""

    def __init__(self, database: str, identity: Identity) -> None:
        self._database = database
        self.identity = identity
        settings = Settings(kafka="none:1", database=database)
        work = identity_work(
            WorkerResources(
                settings, lambda topic: topic.name, id_of, cast("Any", None), self.connect, cast("Any", None)
            )
        )
        assert work is not None
        self.work: AgentSpec = work

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self._database, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    async def chunk(self, *events: Event) -> int:
        """One chunk, one transaction, as the worker does it."""
        async with self.connect() as connection, connection.transaction():
            happened = [ContactEvent(id_of(one.tenant, one.contact.key if one.contact else ""), one) for one in events]
            return await self.work.save(connection, happened, 0)

    async def roll_out(self, keep: float = 0) -> None:
        """Until nothing is left to do."""
        async with self.connect() as connection:
            await small_rollout(self.connect, keep=keep).roll_out_all(connection)

    async def begin_to_roll_out(self, steps: int) -> None:
        """So many steps, and then the connection is lost."""
        with pytest.raises(Interrupted):
            async with self.connect() as connection:
                await CutShort(self.connect, steps).roll_out_all(connection)

    async def content(self, tenant: str = "demo") -> dict[str, set[Row]]:
        """The rows of the tenant's active resolution, under the id of the default one."""
        active = await active_resolution(self.identity.connection, tenant)
        found: dict[Table, Rows] = {}
        for table, rows in (await self.identity.tables()).items():
            of_tenant = [row for row in rows.values() if row[0] == tenant]
            if table in RESOLVED:
                active_rows = (row_type(table)(*row) for row in of_tenant if row[:2] == active.key)
                of_tenant = [row._replace(resolution_id="default") for row in active_rows]
            found[table] = {key_of(table, row): row for row in of_tenant}
        return content(found)

    async def membership(self, tenant: str = "demo") -> dict[Any, list[str]]:
        active = await active_resolution(self.identity.connection, tenant)
        members = (await self.identity.tables())[MEMBERS]
        return membership({MEMBERS: {key: row for key, row in members.items() if key[:2] == active.key}})


@pytest.fixture
async def tenants(database_with_read_models: str, identity: Identity) -> Tenants:
    return Tenants(database_with_read_models, identity)


def small_rollout(connect: Connect, keep: float = 0) -> PolicyRollout:
    """In many steps, however little there is to do."""
    return PolicyRollout(connect, id_of, "TW", every=0.01, keep=keep, batch=3, deleted_at_once=7)


class Interrupted(Exception):
    pass


class CutShort(PolicyRollout):
    """Is interrupted in the middle of a step's transaction."""

    def __init__(self, connect: Connect, steps: int) -> None:
        super().__init__(connect, id_of, "TW", every=0.01, batch=3)
        self._steps = steps

    async def fold_batch(self, connection: Connection, building: ResolutionRow) -> ResolutionRow | None:
        self._steps -= 1
        async with connection.transaction():
            more = await super().fold_batch(connection, building)
            if self._steps < 0:
                raise Interrupted
            return more


def policy_set(policy: dict[str, Any], at: int = 0, **more: Any) -> Event:
    return event(None, "tenant.policy_set", {"policy": policy, "by": "amy"}, at=at, **more)


def strangers(number: int) -> list[Event]:
    """Browsers that claim one phone, each with an e-mail of its own: one customer by the loose policy alone."""
    browsers = [f"web:shop:c{index}" for index in range(number)]
    phone = [claimed(one, phone="+886911111111", at=index) for index, one in enumerate(browsers)]
    return phone + [claimed(one, email=f"{index}@example.tw", at=index) for index, one in enumerate(browsers)]


async def test_a_contact_whose_evidence_was_taken_back_before_stays_known_to_consumers(tenants: Tenants) -> None:
    loud = bound("web:shop:c1", link="line:oa1:U1", at=5, event_id="copied")
    silent = event("web:shop:c1", "contact.followed", {}, at=1, event_id="copied")
    await tenants.chunk(loud)
    await tenants.chunk(silent)
    await tenants.chunk(policy_set(TIGHT))
    await tenants.roll_out()
    assert consumed(await tenants.identity.outbox()) == await tenants.membership()
    await tenants.chunk(bound("line:oa1:U1", link="web:shop:c1", at=9))
    assert consumed(await tenants.identity.outbox()) == await tenants.membership()


async def test_member_ids_that_were_merged_stay_merged_by_another_policy(tenants: Tenants) -> None:
    members = [bound("crm:erp:1", member_id="M1"), bound("crm:erp:2", member_id="N1")]
    renumbered = merged("M1", "N1", at=3)
    await tenants.chunk(*members, renumbered, policy_set(TIGHT))
    await tenants.roll_out()
    assert await tenants.content() == by_policy([*members, renumbered], TIGHT)
    assert [len(contacts) for contacts in (await tenants.membership()).values()] == [2]


async def test_merged_ids_that_nobody_states_are_kept_by_another_policy(tenants: Tenants) -> None:
    renumbered = merged("M1", "N1", at=3)
    await tenants.chunk(renumbered, policy_set(TIGHT))
    await tenants.roll_out()
    assert await tenants.content() == by_policy([renumbered], TIGHT)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_of_copies_of_a_policy_the_same_counts_in_any_order(tenants: Tenants, order: tuple[int, int]) -> None:
    copies = [policy_set(policy, at=7, event_id="copied") for policy in (TIGHT, LOOSE)]
    evidence = strangers(6)
    await tenants.chunk(*evidence)
    for number in order:
        await tenants.chunk(copies[number])
        await tenants.roll_out()
    (row,) = await tenants.identity.rows(POLICIES)
    assert orjson.loads(row.policy) == TIGHT
    assert await tenants.content() == by_policy(evidence, TIGHT)
    assert consumed(await tenants.identity.outbox()) == await tenants.membership()


async def test_an_invalid_copy_that_counts_leaves_no_policy(tenants: Tenants) -> None:
    invalid: dict[str, Any] = {"shared_device_limit": 0}
    await tenants.chunk(policy_set(invalid, at=7, event_id="copied"), policy_set(TIGHT, at=8, event_id="copied"))
    await tenants.roll_out()
    (row,) = await tenants.identity.rows(POLICIES)
    assert row.policy is None
    assert (await active_resolution(tenants.identity.connection, "demo")).version == DEFAULT_VERSION


def by_policy(events: Sequence[Event], policy: dict[str, Any]) -> dict[str, set[Row]]:
    """What the rows would be if the policy had always been in force."""
    return content(resolve_log(events, policies_for(["demo"], Policy.from_json(policy)), id_of))


@pytest.mark.repeated
@pytest.mark.parametrize("seed", range(rounds(6)))
async def test_tables_come_to_what_the_policy_gives_while_evidence_arrives(tenants: Tenants, seed: int) -> None:
    chance = Random(seed)
    policy = chance.choice([LOOSE, TIGHT, HONG_KONG])
    events = random_history(chance, 60)
    before, during = events[:35], events[35:]
    await tenants.chunk(*before)
    await tenants.chunk(policy_set(policy))
    rolling_out = asyncio.create_task(tenants.roll_out())
    for one in during:
        await tenants.chunk(one, chance.choice(before))
        await asyncio.sleep(0)
    await rolling_out
    assert await tenants.content() == by_policy(events, policy)
    assert consumed(await tenants.identity.outbox()) == await tenants.membership()


async def test_an_interrupted_rollout_continues(tenants: Tenants) -> None:
    events = strangers(20)
    await tenants.chunk(*events, policy_set(LOOSE))
    for steps in (0, 2, 0, 3):
        await tenants.begin_to_roll_out(steps)
    assert (await tenants.identity.rows(RESOLUTIONS))[0].done == 15
    await tenants.roll_out()
    assert await tenants.content() == by_policy(events, LOOSE)
    (customer,) = (await tenants.membership()).values()
    assert len(customer) == 20
    assert consumed(await tenants.identity.outbox()) == await tenants.membership()


async def test_a_later_policy_replaces_one_that_is_being_rolled_out(tenants: Tenants) -> None:
    events = strangers(12)
    await tenants.chunk(*events, policy_set(LOOSE, at=1, event_id="p1"))
    await tenants.begin_to_roll_out(2)
    await tenants.chunk(policy_set(TIGHT, at=3, event_id="p3"), policy_set({}, at=2, event_id="p2"))
    await tenants.roll_out()
    assert await tenants.content() == by_policy(events, TIGHT)
    assert await tenants.identity.connection.fetchval("SELECT count(*) FROM resolutions") == 1
    (only,) = await tenants.identity.rows(RESOLUTIONS)
    assert (only.version, only.state) == ("p3", "active")


async def test_nothing_of_a_retired_resolution_is_left(tenants: Tenants) -> None:
    await tenants.chunk(bound("web:shop:c1", member_id="M1"), policy_set(TIGHT))
    await tenants.roll_out()
    (active,) = await tenants.identity.rows(RESOLUTIONS)
    assert active.resolution_id != "default"
    for table in RESOLVED:
        assert {row.resolution_id for row in await tenants.identity.rows(table)} <= {active.resolution_id}


async def test_readers_see_the_one_membership_or_the_other(tenants: Tenants) -> None:
    events = strangers(12)
    await tenants.chunk(*events)
    seen = {await _sizes(tenants)}
    rolling_out = asyncio.create_task(_later(tenants))
    while not rolling_out.done():
        seen.add(await _sizes(tenants))
    seen.add(await _sizes(tenants))
    assert seen == {(1,) * 12, (12,)}


async def _later(tenants: Tenants) -> None:
    await asyncio.sleep(0.05)
    await tenants.chunk(policy_set(LOOSE))
    await tenants.roll_out(keep=5)


async def _sizes(tenants: Tenants) -> tuple[int, ...]:
    async with tenants.connect() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        active = await active_resolution(connection, "demo")
        found = await connection.fetch(
            "SELECT count(*)::int FROM members WHERE tenant = $1 AND resolution_id = $2 GROUP BY customer_id",
            *active.key,
        )
    return tuple(sorted(row[0] for row in found))


async def test_changes_of_a_rollout_name_the_policy(tenants: Tenants) -> None:
    await tenants.chunk(*strangers(5), policy_set(LOOSE, at=9, event_id="p9"))
    before = len(await tenants.identity.outbox())
    await tenants.roll_out()
    payloads = [row.payload for row in (await tenants.identity.outbox())[before:]]
    assert len(payloads) == 5
    assert all('"cause":"p9"' in payload and '"policy_version":"p9"' in payload for payload in payloads)


async def test_other_tenants_keep_their_policy(tenants: Tenants) -> None:
    other = claimed("web:shop:c1", phone="+886911111111").model_copy(update={"tenant": "other"})
    await tenants.chunk(bound("web:shop:c1", member_id="M1"), other, policy_set(TIGHT))
    before = await tenants.content("other")
    await tenants.roll_out()
    assert await tenants.content("other") == before
    assert len(before["members"]) == 1


async def test_an_invalid_policy_is_ignored(tenants: Tenants) -> None:
    new = await tenants.chunk(policy_set({"types": 1}), bound("web:shop:c1", member_id="M1"))
    await tenants.roll_out()
    assert new == 2
    assert await tenants.identity.rows(RESOLUTIONS) == []
    assert (await active_resolution(tenants.identity.connection, "demo")).version == DEFAULT_VERSION

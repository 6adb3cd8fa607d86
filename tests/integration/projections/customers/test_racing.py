"""Customer rows while contacts, identity, policies and the composer write at the same time, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, cast

import asyncpg
import pytest

from projections.customers.checking import ComparedCustomers, customer_rows
from projections.customers.composing import compose_some, has_composed
from projections.customers.page_ahead import PageAhead
from projections.customers.store import compose_again
from projections.customers.tables import CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.generations import ensure_generation, share
from projections.engine.ids import NO_CONTACT
from projections.engine.projection import ContactEvent
from projections.registry import SCHEMA
from schemas.codec import decode
from schemas.events import Event
from schemas.topics import Topic
from services.runtime.database import BY_KEY
from services.runtime.settings import Settings
from services.vault.records import EncodedEvent
from services.worker.agent_spec import WorkerResources
from services.worker.agents.contacts import contacts
from services.worker.agents.identity import identity
from services.worker.background.policy_rollout import PolicyRollout
from tests.support.identity_events import event
from tests.support.past import REGION, whole_history
from tests.support.streams import id_of

_PARTITIONS: Final = 3
_POLICIES: Final[list[dict[str, Any]]] = [
    {"types": {"phone": {"limit": 1}}},
    {"types": {"phone": {"limit": 100, "claimed_limit": 100}, "member_id": {"claimed": 3}}},
]


class Lost(Exception):
    """The composer is lost here, before its transaction is committed."""


class Race:
    """The agents of one tenant, each on connections of its own, and what one sends to the other."""

    def __init__(self, database: str, chance: Random) -> None:
        self._database = database
        self._chance = chance
        self._evidence: asyncio.Queue[Event] = asyncio.Queue()
        self._writing = asyncio.Event()
        settings = Settings(kafka="none:1", database=database, default_region=REGION)
        resources = WorkerResources(
            settings, lambda topic: topic.name, id_of, self._send, self.connect, cast("Any", None)
        )
        self._contacts, self._identity = contacts(resources), identity(resources)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self._database, server_settings=BY_KEY | {"search_path": "g1"})
        try:
            yield connection
        finally:
            connection.terminate()

    async def run(self, events: Sequence[Event]) -> list[ComparedCustomers]:
        """Fold the events, and compose meanwhile; what was compared in snapshots."""
        snapshots: list[ComparedCustomers] = []
        async with asyncio.TaskGroup() as group:
            ending = [
                group.create_task(one)
                for one in (self._compose(), self._fold_evidence(), self._roll_out(), self._look(snapshots))
            ]
            async with asyncio.TaskGroup() as writers:
                for number in range(_PARTITIONS):
                    writers.create_task(self._fold(events, number))
            self._writing.set()
            await asyncio.gather(*ending)
        return snapshots

    async def finish(self) -> None:
        """Roll out what is left, and compose until nothing is left to do."""
        async with self.connect() as connection:
            await self._rollout().roll_out_all(connection)
            await compose(connection)

    async def compared(self) -> ComparedCustomers:
        async with self.connect() as connection, connection.transaction(isolation="repeatable_read"):
            return await customer_rows(connection, ["demo"], REGION)

    async def _send(self, _topic: Topic, records: Sequence[EncodedEvent]) -> None:
        for _, value in records:
            self._evidence.put_nowait(decode(value))

    async def _fold(self, events: Sequence[Event], number: int) -> None:
        """One partition's events, chunk by chunk."""
        own = [one for one in map(of_contact, events) if one.contact_id.int % _PARTITIONS == number]
        async with self.connect() as connection:
            while own:
                size = self._chance.randint(1, 12)
                chunk, own = own[:size], own[size:]
                async with connection.transaction():
                    await share(connection)
                    await self._contacts.save(connection, chunk, number)

    async def _fold_evidence(self) -> None:
        assert self._identity is not None
        async with self.connect() as connection:
            while not (self._writing.is_set() and self._evidence.empty()):
                if self._evidence.empty():
                    await asyncio.sleep(0.001)
                    continue
                chunk = [self._evidence.get_nowait() for _ in range(min(self._evidence.qsize(), 15))]
                async with connection.transaction():
                    await share(connection)
                    await self._identity.save(connection, [of_contact(one) for one in chunk], 0)

    def _rollout(self) -> PolicyRollout:
        return PolicyRollout(self.connect, id_of, REGION, every=0.01, keep=0, batch=20)

    async def _roll_out(self) -> None:
        async with self.connect() as connection:
            while not self._writing.is_set():
                await self._rollout().roll_out_all(connection)
                await asyncio.sleep(0.01)

    async def _compose(self) -> None:
        """Small turns, of which one in four is lost, each with its next page loaded ahead."""
        while not self._writing.is_set():
            async with self.connect() as connection, self.connect() as reading:
                ahead, page = PageAhead(reading), self._chance.randint(1, 20)
                try:
                    while not self._writing.is_set():
                        async with connection.transaction(isolation="repeatable_read"):
                            await compose_some(connection, "demo", REGION, page, ahead=ahead)
                            self._lose()
                except Lost:
                    continue
                finally:
                    await ahead.close()

    def _lose(self) -> None:
        """Raises Lost once in four times."""
        if self._chance.random() < 0.25:
            raise Lost

    async def _look(self, snapshots: list[ComparedCustomers]) -> None:
        while not self._writing.is_set():
            snapshots.append(await self.compared())


@pytest.mark.parametrize("seed", range(2))
async def test_rows_with_nothing_pending_are_those_of_their_contacts_in_every_snapshot(
    database: str, seed: int
) -> None:
    chance = Random(seed)
    async with connected(database) as control:
        await ensure_generation(control, SCHEMA)
    race = Race(database, chance)
    events = [*whole_history(chance, 250, copies=True), *map(policy_set, range(len(_POLICIES)))]
    chance.shuffle(events)
    for compared in await race.run(events):
        assert compared.found == compared.expected
        assert compared.found_contacts == compared.expected_contacts
        assert compared.found_counts == compared.expected_counts
        assert compared.found_addresses == compared.expected_addresses
        assert compared.found_days == compared.expected_days
        assert compared.found_values == compared.expected_values
        assert compared.found_ends == compared.expected_ends
    await race.finish()
    in_the_end = await race.compared()
    assert in_the_end.found == in_the_end.expected != {}
    assert in_the_end.found_contacts == in_the_end.expected_contacts != {}
    assert in_the_end.found_counts == in_the_end.expected_counts != {}
    assert in_the_end.found_addresses == in_the_end.expected_addresses
    assert in_the_end.found_days == in_the_end.expected_days != {}
    async with race.connect() as connection:
        await connection.execute(
            f"DELETE FROM {CUSTOMER_ROWS.name}; DELETE FROM customer_contacts; DELETE FROM customer_terms;"
            "DELETE FROM address_contacts; DELETE FROM composed_days;"
            "DELETE FROM attribute_values; DELETE FROM tag_ends"
        )
        await compose_again(connection)
    await race.finish()
    assert await race.compared() == in_the_end


def of_contact(one: Event) -> ContactEvent:
    return ContactEvent(id_of(one.tenant, one.contact.key) if one.contact else NO_CONTACT, one)


def policy_set(number: int) -> Event:
    data = {"policy": _POLICIES[number], "by": "amy"}
    return event(None, "tenant.policy_set", data, at=number, event_id=f"policy-{number}")


async def compose(connection: Connection) -> None:
    while True:
        async with connection.transaction(isolation="repeatable_read"):
            if await has_composed(connection):
                return
            await compose_some(connection, "demo", REGION)


@asynccontextmanager
async def connected(database: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database, server_settings={"search_path": "onefold"})
    try:
        yield connection
    finally:
        await connection.close()

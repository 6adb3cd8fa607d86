"""Random histories of whole contacts with late events, and generations that fold them as a worker does."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any, Final

from projections.customers.touched import NotingStore
from projections.engine.chunk import project
from projections.engine.connection import Connection
from projections.engine.ids import NO_CONTACT, IdOf
from projections.engine.projection import ContactEvent
from projections.engine.touched import TOUCHED, note_touched
from projections.identity.handlers import save_events
from projections.identity.keys import ResolutionKey
from projections.identity.policies import policies_in
from projections.identity.resolutions import (
    ResolutionInUse,
    activate,
    active_resolution,
    begin,
    policy_of,
    record,
    resolutions_in_use,
)
from projections.identity.rules import PolicyInForce
from projections.intrinsics.evidence import evidence
from projections.intrinsics.store import save_chunk
from projections.registry import PROJECTIONS, TABLES
from projections.timeline.store import PostgresStore
from schemas.events import Event
from tests.support.identity_events import event
from tests.support.rule_histories import CONTACTS, random_policy, rule_history

REGION: Final = "TW"
_LATE: Final = 6  # ms, at most, between an event and its receipt
_SPAN: Final = 9


def whole_history(chance: Random, size: int, *, copies: bool) -> list[Event]:
    """``size`` events about identity, as many of other kinds, and policies now and then, in the order of the log.

    Without ``copies`` each event comes once.
    """
    events = [*rule_history(chance, size), *(_other(chance) for _ in range(size))]
    if chance.random() < 0.5:
        events += [_policy(chance) for _ in range(chance.randint(1, 2))]
    if not copies:
        events = list({(one.contact, one.event_id): one for one in events}.values())
    late = [one.model_copy(update={"received_at": one.occurred_at + chance.randint(0, _LATE)}) for one in events]
    return sorted(late, key=lambda one: one.received_at)


class FoldedGeneration:
    """A schema with all tables, folded chunk by chunk; of policies the one in force is rolled out at once."""

    def __init__(self, connection: Connection, id_of: IdOf) -> None:
        self.connection = connection
        self._id_of = id_of

    async def fold(
        self, events: Sequence[Event], *, chunk: int = 40, between: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Empty the tables, then fold the events; ``between`` the chunks something else may happen."""
        await self.connection.execute(
            "; ".join(f"DELETE FROM {table.name}" for table in (TOUCHED, *TABLES))
        )  # few rows
        await self.fold_more(events, chunk=chunk, between=between)

    async def fold_more(
        self, events: Sequence[Event], *, chunk: int = 40, between: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """The same with the tables as they are."""
        in_force = await self._policies(events)
        for start in range(0, len(events), chunk):
            await self._fold(events[start : start + chunk], in_force)
            if between is not None:
                await between()

    async def _policies(self, events: Iterable[Event]) -> dict[ResolutionKey, PolicyInForce]:
        rows = policies_in(events)
        valid = [row for row in rows if row.policy is not None]
        async with self.connection.transaction():
            await record(self.connection, rows)
            active = await active_resolution(self.connection, "demo")
            if valid:
                latest = max(valid, key=lambda row: (row.at, row.event_id))
                await activate(self.connection, active, await begin(self.connection, latest))
        in_use: list[ResolutionInUse] = await resolutions_in_use(self.connection, ["demo"])
        return {one.key: PolicyInForce(one.version, policy_of(one, REGION)) for one in in_use if one.active}

    async def _fold(self, events: Sequence[Event], in_force: dict[ResolutionKey, PolicyInForce]) -> None:
        ids = (self._id_of(one.tenant, one.contact.key) if one.contact else NO_CONTACT for one in events)
        async with self.connection.transaction():
            store = PostgresStore(self.connection)
            noting = NotingStore(store)
            recorded = await project(
                noting, PROJECTIONS, [ContactEvent(*both) for both in zip(ids, events, strict=True)]
            )
            await note_touched(self.connection, noting.touched())
            first = await save_chunk(self.connection, store, recorded)
            sent = [one for one in evidence(recorded, first) if one.type != "tenant.policy_set"]
            await save_events(self.connection, sent, in_force, self._id_of)


def _policy(chance: Random) -> Event:
    data = {"policy": random_policy(chance), "by": "amy"}
    return event(None, "tenant.policy_set", data, at=chance.randrange(_SPAN))


def _other(chance: Random) -> Event:
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("contact.followed", {}),
        ("contact.blocked", {}),
        ("message.received", {"message_id": "m1", "kind": "text", "text": "hi"}),
        ("message.edited", {"message_id": "m1", "text": "ho"}),
        ("profile.updated", {"display_name": chance.choice(["王", "Lin"])}),
        ("attribute.set", {"key": "size", "value": chance.choice(["S", "M"])}),
        ("attribute.unset", {"key": "size"}),
        ("tag.added", {"tag": "vip", "source": "x"}),
        ("tag.removed", {"tag": "vip"}),
        ("team.message_sent", {"purpose": "conversation", "message_id": "t1", "text": "yes"}),
        ("team.message_sent", {"purpose": "broadcast", "message_id": "t1", "echo": True}),
        ("marketing.opted_out", {"kinds": ["broadcast"]}),
    ]
    name, data = chance.choice(kinds)
    return event(chance.choice(CONTACTS), name, data, at=chance.randrange(_SPAN))

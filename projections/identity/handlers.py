"""A chunk of evidence into the tables of identity: record, decide for every tenant side by side, save one delta.

The deciding of every tenant asks for the same things in the same order (`projections.identity.loads`), so each request
is answered for all of them at once: a chunk costs the same number of statements whoever is in it. The tables do not
depend on order, duplicates or batching of the events. Only the outbox does: it records one change of a customer per
commit.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Generator, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar, cast

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.stages import enter
from projections.engine.touched import note_touched
from projections.engine.touched_ids import Touched, TouchedByTenant
from projections.engine.write_behind import WriteBehind, writing_behind
from projections.identity.change_events import change_events
from projections.identity.decided import Decided
from projections.identity.delta import IdentityDelta, delta_steps, touched_by
from projections.identity.folds import decide
from projections.identity.keys import ResolutionKey
from projections.identity.loads import Load
from projections.identity.new_evidence import NewEvidence
from projections.identity.outbox import append_to_outbox
from projections.identity.rules import PolicyInForce
from projections.identity.store.evidence import record_evidence
from projections.identity.store.loading import IdentityStore
from projections.identity.store.saving import save_delta
from schemas.changes import CustomerChange
from schemas.events import Event

T = TypeVar("T")
PoliciesInForce = Mapping[ResolutionKey, PolicyInForce]
EvidenceByResolution = Mapping[ResolutionKey, NewEvidence]
Results = Mapping[ResolutionKey, Decided]
_CHANGES_A_PART: Final = 100  # some milliseconds of work


async def save_events(connection: Connection, events: Iterable[Event], policies: PoliciesInForce, id_of: IdOf) -> int:
    """Fold the events into the identity tables of the connection's schema. Returns how many of them were new.

    ``policies`` are those of every resolution of the events' tenants. Call it inside a transaction that moves the
    offsets of these events. No other transaction may write the identity of these tenants meanwhile: the epoch of the
    offsets ensures it. Raises what PostgreSQL raises.
    """
    enter("record")
    async with writing_behind() as writes:
        recorded = await record_evidence(connection, events, id_of, writes)
        evidence = {place: recorded.evidence[place.tenant] for place in policies if place.tenant in recorded.evidence}
        await _save(connection, evidence, policies, id_of, writes)
    return recorded.unseen


async def save_evidence(
    connection: Connection, evidence: EvidenceByResolution, policies: PoliciesInForce, id_of: IdOf
) -> None:
    """Fold recorded evidence into resolutions, in the caller's transaction."""
    async with writing_behind() as writes:
        await _save(connection, evidence, policies, id_of, writes)


async def _save(
    connection: Connection, evidence: EvidenceByResolution, policies: PoliciesInForce, id_of: IdOf, writes: WriteBehind
) -> None:
    """Save what the evidence changes: rows that are ready are written while the next ones are built."""
    if not evidence:
        return
    decided = await _decide_all(connection, evidence, policies, id_of, writes)
    enter("save")
    touched = await _save_rows(connection, decided, policies, id_of, writes)
    found = _change_events(decided, evidence, policies, id_of)
    changes = [one async for one in _letting_others_run(found, _CHANGES_A_PART)]
    await writes.start(_announce(connection, changes, touched))


async def _save_rows(
    connection: Connection, decided: Results, policies: PoliciesInForce, id_of: IdOf, writes: WriteBehind
) -> TouchedByTenant:
    """Save what was decided, step by step; returns what that touches in active resolutions."""
    touched: TouchedByTenant = {one.tenant: Touched() for one in decided if policies[one].announced}
    for step in zip(*(delta_steps(place, one, id_of) for place, one in decided.items()), strict=True):
        delta = IdentityDelta()
        for place, parts in zip(decided, step, strict=True):
            for part in parts:
                delta.extend(part)
                if policies[place].announced:
                    touched[place.tenant].update(touched_by(part))
                await asyncio.sleep(0)
        await writes.start(save_delta(connection, delta))
    return touched


async def _announce(connection: Connection, changes: Collection[CustomerChange], touched: TouchedByTenant) -> None:
    await append_to_outbox(connection, changes)
    await note_touched(connection, touched)


def _change_events(
    decided: Results, evidence: EvidenceByResolution, policies: PoliciesInForce, id_of: IdOf
) -> Iterator[CustomerChange]:
    for place, one in decided.items():
        if policies[place].announced:
            yield from change_events(place.tenant, one, evidence[place], policies[place].version, id_of)


async def _letting_others_run(items: Iterable[T], every: int) -> AsyncIterator[T]:
    """The items; after each so many the event loop runs once."""
    for number, one in enumerate(items, 1):
        yield one
        if number % every == 0:
            await asyncio.sleep(0)


class _Deciding(NamedTuple):
    place: ResolutionKey
    steps: Generator[Load, Any, Decided]


async def decide_all(
    connection: Connection, evidence: EvidenceByResolution, policies: PoliciesInForce, id_of: IdOf
) -> dict[ResolutionKey, Decided]:
    """What the evidence changes, by resolution; nothing is written."""
    return await _decide_all(connection, evidence, policies, id_of, WriteBehind())


async def _decide_all(
    connection: Connection, evidence: EvidenceByResolution, policies: PoliciesInForce, id_of: IdOf, writes: WriteBehind
) -> dict[ResolutionKey, Decided]:
    """The same, once the ``writes`` under way have ended."""
    running = [_Deciding(place, decide(one, policies[place].policy)) for place, one in evidence.items()]
    decided: dict[ResolutionKey, Decided] = {}
    store = IdentityStore(connection, id_of)
    answers: Collection[Any] = [None] * len(running)
    while True:
        enter("decide")
        asked: list[tuple[ResolutionKey, Load]] = []
        for one, answer in zip(running, answers, strict=True):
            try:
                asked.append((one.place, one.steps.send(answer)))
            except StopIteration as done:
                decided[one.place] = cast("Decided", done.value)
        if not asked:
            return decided
        enter("load")
        await writes.finish()
        answers = await store.answer(asked)

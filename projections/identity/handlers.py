"""A chunk of evidence into the tables of identity: record, decide for every tenant side by side, save one delta.

The deciding of every tenant asks for the same things in the same order (`projections.identity.loads`), so each request
is answered for all of them at once: a chunk costs the same number of statements whoever is in it. The tables do not
depend on order, duplicates or batching of the events. Only the outbox does: it records one change of a customer per
commit.
"""

from collections.abc import Collection, Generator, Iterable, Mapping
from typing import Any, NamedTuple, cast

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.stages import enter
from projections.engine.touched import note_touched
from projections.identity.change_events import change_events
from projections.identity.decided import Decided
from projections.identity.delta import IdentityDelta, delta_of, touched_by
from projections.identity.folds import decide
from projections.identity.keys import ResolutionKey
from projections.identity.loads import Load
from projections.identity.new_evidence import NewEvidence
from projections.identity.rules import PolicyInForce
from projections.identity.store.evidence import record_evidence
from projections.identity.store.loading import IdentityStore
from projections.identity.store.saving import save_delta
from schemas.events import Event

PoliciesInForce = Mapping[ResolutionKey, PolicyInForce]


async def save_events(connection: Connection, events: Iterable[Event], policies: PoliciesInForce, id_of: IdOf) -> int:
    """Fold the events into the identity tables of the connection's schema. Returns how many of them were new.

    ``policies`` are those of every resolution of the events' tenants. Call it inside a transaction that moves the
    offsets of these events. No other transaction may write the identity of these tenants meanwhile: the epoch of the
    offsets ensures it. Raises what PostgreSQL raises.
    """
    enter("record")
    recorded = await record_evidence(connection, events, id_of)
    evidence = {place: recorded.evidence[place.tenant] for place in policies if place.tenant in recorded.evidence}
    await save_evidence(connection, evidence, policies, id_of)
    return recorded.unseen


async def save_evidence(
    connection: Connection, evidence: Mapping[ResolutionKey, NewEvidence], policies: PoliciesInForce, id_of: IdOf
) -> None:
    """Fold recorded evidence into resolutions, in the caller's transaction."""
    if not evidence:
        return
    delta, touched = IdentityDelta(), {}
    for place, decided in (await decide_all(connection, evidence, policies, id_of)).items():
        of_place = delta_of(place, decided, id_of)
        delta.extend(of_place)
        if policies[place].announced:
            touched[place.tenant] = touched_by(of_place)
            version = policies[place].version
            delta.changes.extend(change_events(place.tenant, decided, evidence[place], version, id_of))
    enter("save")
    await save_delta(connection, delta)
    await note_touched(connection, touched)


class _Deciding(NamedTuple):
    place: ResolutionKey
    steps: Generator[Load, Any, Decided]


async def decide_all(
    connection: Connection, evidence: Mapping[ResolutionKey, NewEvidence], policies: PoliciesInForce, id_of: IdOf
) -> dict[ResolutionKey, Decided]:
    """What the evidence changes, by resolution; nothing is written."""
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
        answers = await store.answer(asked)

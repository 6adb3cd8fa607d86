"""Stored links as the steps of an explanation, and the events behind them."""

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple, cast
from uuid import UUID

import orjson

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.store import load
from projections.identity.keys import ResolutionKey
from projections.identity.link_queries import StoredLink
from projections.identity.resolution.explain import ACCEPTED, ChainStep, Fate, unlinked_reason
from projections.identity.resolution.holdings import NO_SESSION, Holding
from projections.identity.resolution.links import SESSION, STAFF, STAFF_TIER, Node
from projections.identity.resolution.policy import Policy
from projections.identity.rows import holding_of, identifier_columns, identifier_of, refused_of
from projections.identity.tables import HOLDINGS, PAIR_DECISIONS, ConflictRow, HoldingRow, PairDecisionRow

SourceKind = Literal["intrinsic", "verified", "stated", "claimed", "retracted", "decided"]
_ASSURANCES: Final = ("verified", "stated", "claimed")


class EvidenceSource(NamedTuple):
    """The latest event that states something in one way, and when it was stated so first (ms, UTC)."""

    event_id: str
    at: int
    first_at: int
    says: SourceKind


class Explained(NamedTuple):
    """A step of an explanation, with the events behind it."""

    step: ChainStep
    sources: tuple[EvidenceSource, ...]


def step_of(stored: StoredLink, contact: str) -> ChainStep | None:
    """A holding's link, accepted or refused; None if it makes none."""
    row = stored.holding
    kind, value = identifier_of(row.type, row.value, row.target)
    node = (contact, row.session)
    if stored.reason is not None:
        fate = cast("Fate", stored.reason)
        return ChainStep(node, kind, value, stored.tier, stored.since, fate, tuple(orjson.loads(stored.detail or "[]")))
    if row.tier is None:
        return None
    return ChainStep(node, kind, value, row.tier, row.since, ACCEPTED)


def refused_step(row: ConflictRow) -> ChainStep:
    """A refused link."""
    link, reason, detail = refused_of(row)
    return ChainStep(link.node, link.type, link.value, link.tier, link.since, reason, detail)


def unlinked_step(row: HoldingRow, contact: str, everywhere: HoldingRow | None, policy: Policy) -> ChainStep | None:
    """What a holding without a link states, if anything.

    ``everywhere`` is the holding of the same value without a session, which has the retractions.
    """
    holding = holding_of(row.stamps)
    kind, value = identifier_of(row.type, row.value, row.target)
    node = (contact, row.session)
    if not holding.asserted or value == node:  # a binding of a node to itself is no link
        return None
    retracted = _retracted_after(holding, holding_of(everywhere.stamps) if everywhere else holding)
    stated = [one for one in _ASSURANCES if getattr(holding, one) is not None]
    reason = unlinked_reason(kind, stated, policy, retracted=retracted)
    return ChainStep(node, kind, value, None, None, reason)


def _retracted_after(holding: Holding, everywhere: Holding) -> bool:
    latest = max((span[1:] for name in _ASSURANCES if (span := getattr(holding, name))), default=None)
    return everywhere.retracted is not None and (latest is None or everywhere.retracted[1:] > latest)


def staff_steps(rows: Iterable[PairDecisionRow]) -> tuple[list[ChainStep], set[frozenset[str]]]:
    """Links of staff, as if none was refused, and the pairs of contacts that are decided to be different people."""
    latest: dict[frozenset[str], PairDecisionRow] = {}
    for row in rows:
        pair = frozenset((row.by_contact, row.other_contact))
        latest[pair] = max(row, latest.get(pair, row), key=lambda one: (one.at, one.event_id, one.by_contact))
    steps = []
    for row in latest.values():
        lesser, greater = sorted(((row.by_contact, row.by_session), (row.other_contact, row.other_session)))
        if row.verdict == "same" and lesser != greater:
            steps.append(ChainStep(lesser, STAFF, greater, STAFF_TIER, row.at, ACCEPTED))
    return steps, {pair for pair, row in latest.items() if row.verdict == "different"}


async def retractions_of(connection: Connection, held: Iterable[HoldingRow]) -> dict[HoldingRow, HoldingRow | None]:
    """Of each holding the one of the same value without a session, which has the retractions. One statement."""
    keys = {row: (*row[:3], NO_SESSION, *row[4:7]) for row in held}
    found: dict[tuple[object, ...], HoldingRow] = await load(
        connection, HOLDINGS, [key for row, key in keys.items() if row.session]
    )
    return {row: found.get(key) if row.session else row for row, key in keys.items()}


async def with_sources(
    connection: Connection, resolution: ResolutionKey, steps: Sequence[ChainStep], id_of: IdOf
) -> list[Explained]:
    """The steps with the events behind them. Two statements, whatever the number of steps."""
    keys = {
        key for step in steps if step.type not in {STAFF, SESSION} for key in _holding_keys(resolution, step, id_of)
    }
    holdings: dict[tuple[object, ...], HoldingRow] = await load(connection, HOLDINGS, sorted(keys))
    pairs = {key for step in steps if step.type == STAFF for key in _pair_keys(resolution, step, id_of)}
    decisions: dict[tuple[object, ...], PairDecisionRow] = await load(connection, PAIR_DECISIONS, sorted(pairs))
    explained = []
    for step in steps:
        if step.type == STAFF:
            stated = [row for key in _pair_keys(resolution, step, id_of) if (row := decisions.get(key))]
            sources = [
                EvidenceSource(row.event_id, row.at, row.at, "decided") for row in stated if row.at == step.since
            ]
        elif step.type == SESSION:
            sources = []
        else:
            own, everywhere = (holdings.get(key) for key in _holding_keys(resolution, step, id_of))
            sources = sources_of(own, everywhere)
        explained.append(Explained(step, tuple(sources)))
    return explained


def _holding_keys(resolution: ResolutionKey, step: ChainStep, id_of: IdOf) -> tuple[tuple[object, ...], ...]:
    """Of what the node holds, and of the value without a session, which has its retractions."""
    contact, session = step.node
    columns = identifier_columns((step.type, step.value))
    contact_id = id_of(resolution.tenant, contact)
    return tuple((*resolution, contact_id, one, *columns) for one in (session, NO_SESSION))


def _pair_keys(resolution: ResolutionKey, step: ChainStep, id_of: IdOf) -> tuple[tuple[str, str, UUID, UUID], ...]:
    one, other = (id_of(resolution.tenant, node[0]) for node in (step.node, cast("Node", step.value)))
    return ((*resolution, one, other), (*resolution, other, one))


def sources_of(own: HoldingRow | None, everywhere: HoldingRow | None = None) -> list[EvidenceSource]:
    """The events behind a holding; ``everywhere`` is that of the same value without a session."""
    if own is None:
        return []
    holding = holding_of(own.stamps)
    retracted = holding_of((everywhere or own).stamps).retracted
    sources: list[EvidenceSource] = []
    if holding.intrinsic is not None:
        at, event_id = holding.intrinsic
        sources.append(EvidenceSource(event_id, at, at, "intrinsic"))
    spans = ((one, getattr(holding, one)) for one in _ASSURANCES)
    for says, span in (*spans, ("retracted", retracted)):
        if span is not None:
            first_at, at, event_id = span
            sources.append(EvidenceSource(event_id, at, first_at, cast("SourceKind", says)))
    return sources

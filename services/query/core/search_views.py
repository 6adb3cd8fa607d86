"""Searches as readers get them: rows and evaluations in the shapes of the API."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson

from projections.customers.search import filters
from projections.customers.search.evaluating import Evaluation
from projections.customers.search.facets import FacetCount
from projections.customers.search.looking import Fact
from projections.customers.search.queries import Composed, Position, Sort
from services.query.core.search_models import (
    AccountOfCustomer,
    AsOf,
    ConditionMatch,
    Facet,
    FacetValue,
    FoundCustomer,
    FoundTag,
    SeenEvent,
    SeenValue,
    SortOrder,
)


def sort_of(order: SortOrder) -> Sort:
    """The order that is asked for."""
    return Sort(order.by, descending=order.direction == "descending")


def query_of(tenant: str, node: filters.FilterNode, sort: Sort) -> str:
    """What tells a search from others, the same for each of its pages."""
    text = orjson.dumps([tenant, filters.to_json(node), sort.by, sort.descending], option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=12).hexdigest()


def position_of(row: Mapping[str, Any], sort: Sort) -> Position:
    """The place of a row in an order."""
    column = sort.by if sort.by in row else f"{sort.by}_at"
    return Position(row[column], row["customer_id"])


def as_of(composed: Composed, now: int) -> AsOf:
    """Of which moment an answer is."""
    vector = None if composed.vector is None else orjson.loads(composed.vector)
    return AsOf(asked_at=now, vector=vector, seconds_behind=composed.seconds_behind, complete=composed.complete)


def found_customer(row: Mapping[str, Any], accounts: Sequence[tuple[str, bool]], now: int) -> FoundCustomer:
    """A customer's row at a moment: tags may have run out."""
    return FoundCustomer(
        id=row["customer_id"],
        member_id=row["member_id"],
        phone=row["phone"],
        email=row["email"],
        name=row["name"],
        valid=row["valid"],
        contacts=row["contacts"],
        conflicts=row["conflicts"],
        first_seen_at=row["first_seen_at"],
        last_customer_interaction_at=row["last_customer_at"],
        last_team_interaction_at=row["last_team_at"],
        last_marketing_at=row["last_marketing_at"],
        valid_since=row["valid_since"],
        tags=_tags(orjson.loads(row["tags"]), now),
        attributes={key: value for key, (_, value, _) in sorted(orjson.loads(row["attributes"]).items())},
        accounts=[AccountOfCustomer(account=account, valid=valid) for account, valid in accounts],
    )


def _tags(by_tag: Mapping[str, list[tuple[int, int, int | None]]], now: int) -> list[FoundTag]:
    found = []
    for tag, parts in sorted(by_tag.items()):
        live = [(count, at) for count, at, end in parts if end is None or end > now]
        if live:
            found.append(FoundTag(tag=tag, count=sum(one for one, _ in live), last_at=max(at for _, at in live)))
    return found


def facet_view(name: str, found: Sequence[FacetCount], limit: int) -> Facet:
    """The first values of a facet, of which one more may have been found."""
    values = [FacetValue(value=one.value, customers=one.customers) for one in found[:limit]]
    return Facet(facet=name, values=values, more=len(found) > limit)


def condition_match(evaluation: Evaluation, events: Mapping[Fact, str]) -> ConditionMatch:
    """An evaluation; ``events`` are the ids of events that were found by their times."""
    node = evaluation.condition
    return ConditionMatch(
        condition=filters.key_of(node),
        asked=filters.to_json(node) if isinstance(node, filters.BySegment) or not node.parts else None,
        holds=evaluation.holds,
        seen=[_seen(fact, fact.event_id or events.get(fact)) for fact in evaluation.seen],
        contact=evaluation.contact,
        parts=[condition_match(part, events) for part in evaluation.parts],
    )


def facts_in(evaluation: Evaluation) -> list[Fact]:
    """Everything that the conditions saw."""
    return [*evaluation.seen, *(fact for part in evaluation.parts for fact in facts_in(part))]


def _seen(fact: Fact, event_id: str | None) -> SeenValue:
    channel = fact.contact.partition(":")[0] if fact.contact else None
    return SeenValue(
        value=fact.value, event=SeenEvent(event_id=event_id, at=fact.at, contact=fact.contact, channel=channel)
    )


def customer_ids(rows: Sequence[Mapping[str, Any]]) -> list[UUID]:
    """The customers of rows."""
    return [row["customer_id"] for row in rows]

"""Evaluates a filter for one customer in memory, and keeps what each condition saw (pure).

This is what a filter means. A search evaluates the same tree in PostgreSQL.
"""

from collections.abc import Iterable
from typing import NamedTuple

from projections.customers.search import filters
from projections.customers.search.asking import AskedAt
from projections.customers.search.looking import MOST_SHOWN, Fact, Searched, looked_at


class Evaluation(NamedTuple):
    """Whether a condition holds, and why: what it saw if it asks for a value, else the verdicts of its parts.

    Of ``same_contact`` the parts are those of ``contact``: one for which it holds, or else comes closest.
    """

    condition: filters.FilterNode
    holds: bool
    seen: tuple[Fact, ...] = ()
    parts: tuple["Evaluation", ...] = ()
    contact: str | None = None


def matches(node: filters.FilterNode, one: Searched, asked: AskedAt) -> bool:
    """Whether the customer fulfils the filter. Its segments have to be opened."""
    return evaluate(node, one, asked).holds


def evaluate(node: filters.FilterNode, one: Searched, asked: AskedAt) -> Evaluation:
    """Whether the customer fulfils the filter, and why."""
    match node:
        case filters.All(all=parts):
            found = _each(parts, one, asked)
            return Evaluation(node, all(part.holds for part in found), parts=found)
        case filters.AnyOf(any=parts):
            found = _each(parts, one, asked)
            return Evaluation(node, any(part.holds for part in found), parts=found)
        case filters.Not(not_=part):
            inner = evaluate(part, one, asked)
            return Evaluation(node, not inner.holds, parts=(inner,))
        case filters.OpenedSegment(asks=part):
            inner = evaluate(part, one, asked)
            return Evaluation(node, inner.holds, parts=(inner,))
        case filters.SameContact():
            return _same_contact(node, one, asked)
        case _:
            return _leaf(node, one, asked)


def _leaf(node: filters.FilterNode, one: Searched, asked: AskedAt) -> Evaluation:
    looked = list(looked_at(node, one, asked))
    holds = any(fulfils for fulfils, _ in looked)
    shown = [fact for fulfils, fact in looked if fulfils or not holds]
    return Evaluation(node, holds, tuple(shown[:MOST_SHOWN]))


def _each(parts: Iterable[filters.FilterNode], one: Searched, asked: AskedAt) -> tuple[Evaluation, ...]:
    return tuple(evaluate(part, one, asked) for part in parts)


def _same_contact(node: filters.SameContact, one: Searched, asked: AskedAt) -> Evaluation:
    """By the first contact for which it holds, else by the one that fulfils the most of it."""
    best: tuple[tuple[bool, int], Evaluation, str] | None = None
    for contact in one.contacts:
        found = evaluate(node.same_contact, one._replace(contacts=[contact]), asked)
        rank = (found.holds, _fulfilled(found))
        if best is None or best[0] < rank:
            best = (rank, found, contact.key)
        if found.holds:
            break
    if best is None:
        return Evaluation(node, holds=False)
    return Evaluation(node, best[1].holds, parts=(best[1],), contact=best[2])


def _fulfilled(verdict: Evaluation) -> int:
    return sum(map(_fulfilled, verdict.parts)) if verdict.parts else verdict.holds

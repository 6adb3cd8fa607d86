"""Laws of answers about the past: each is what the events that count by then give where there are no others."""

from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random
from typing import Any, Final, NamedTuple

import asyncpg
import orjson
import pytest

from projections.as_of.cutoff import NO_CUTOFF, Cutoff
from projections.engine.generation_tables import create_generation
from projections.registry import SCHEMA
from schemas.events import Event
from services.query.adapters.single_connection import SingleConnection
from services.query.core.errors import Ambiguous, NotFound
from services.query.core.timelines import TimelineQuery
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.explainer import Explainer
from services.query.handlers.past import PastReadModels
from services.query.handlers.reader import CustomerReader
from services.runtime.settings import Settings
from tests.support.identity_events import T0
from tests.support.past import FoldedGeneration, whole_history
from tests.support.read_api import NOW
from tests.support.rounds import rounds
from tests.support.rule_histories import CONTACTS

_HISTORIES: Final = rounds(3)
_TYPED: Final = ("member:M7", "member:M8", "phone:+886911111111", "email:a@example.tw")
_MOST: Final = 200


class Generations(NamedTuple):
    """A generation of all events with a way to read its past, and one that is given the events up to a time alone."""

    whole: FoldedGeneration
    whole_reader: CustomerReader
    whole_explainer: Explainer
    part: FoldedGeneration
    part_reader: CustomerReader
    part_explainer: Explainer


@pytest.fixture
async def generations(settings: Settings) -> AsyncIterator[Generations]:
    first, second, apart = [await asyncpg.connect(settings.database_url) for _ in range(3)]
    await create_generation(first, "g2", SCHEMA)
    for connection, name in ((first, "g1"), (second, "g2"), (apart, "g1")):
        await connection.execute(f"SET search_path TO {name}")
    lookup = CustomerLookup.of(settings)
    past = PastReadModels(SingleConnection(apart).connection, lookup.id_of, lookup.region)
    now, then = SingleConnection(first), SingleConnection(second)
    yield Generations(
        FoldedGeneration(first, lookup.id_of),
        CustomerReader(now, lookup, past=past),
        Explainer(now, lookup, past),
        FoldedGeneration(second, lookup.id_of),
        CustomerReader(then, lookup),
        Explainer(then, lookup),
    )
    for connection in (first, second, apart):
        await connection.close()


Question = Callable[[CustomerReader, Explainer, Cutoff], Awaitable[Any]]


def questions(chance: Random) -> dict[str, Question]:
    """Questions about some of the contacts, and about values that several may hold."""
    names = [*(f"contact:{one}" for one in chance.sample(CONTACTS, 3)), *chance.sample(_TYPED, 2)]
    a, b = chance.sample(CONTACTS, 2)

    def about(name: str) -> dict[str, Question]:
        return {
            f"customer {name}": lambda reader, _, at: reader.customer("demo", name, NOW, at),
            f"identity {name}": lambda _, explainer, at: explainer.graph("demo", name, _MOST, cutoff=at),
            f"timeline {name}": lambda reader, _, at: reader.customer_timeline("demo", name, TimelineQuery(_MOST), at),
        }

    found: dict[str, Question] = {}
    for name in names:
        found |= about(name)
    return found | {f"why {a} {b}": lambda _, explainer, at: explainer.why("demo", a, b, at)}


async def answer(question: Question, reader: CustomerReader, explainer: Explainer, cutoff: Cutoff) -> Any:
    try:
        found = await question(reader, explainer, cutoff)
    except NotFound:
        return "not found"
    except Ambiguous as error:
        return error.candidates
    return found if isinstance(found, bytes) else found.model_dump()


def cutoffs(chance: Random, *, copies: bool) -> list[Cutoff]:
    """Times in the history. Of copies of an event only the one that counts now is kept, so none of them is known."""
    times = [T0 + chance.randint(0, 16) for _ in range(3)]
    as_of = [Cutoff(as_of=times[0])]
    return as_of if copies else [*as_of, Cutoff(known_at=times[1]), Cutoff(times[2], times[1])]


def events_at(events: list[Event], cutoff: Cutoff) -> list[Event]:
    """The events that count: those up to the cutoff, and every erasure of a contact that there was by then."""
    there = {one.contact for one in events if cutoff.includes(one)}
    return [one for one in events if one.contact in there and cutoff.counts_for_identity(one)]


def events_by_then(answered: Any, cutoff: Cutoff) -> Any:
    """A timeline as it is answered, without later erasures, which the fold of the events has on it."""
    if not isinstance(answered, bytes):
        return answered
    page = orjson.loads(answered)
    by = (cutoff.occurred_by, cutoff.received_by)
    kept = [one for one in page["events"] if one["occurred_at"] <= by[0] and one["received_at"] <= by[1]]
    return {**page, "events": kept}


@pytest.mark.repeated
@pytest.mark.parametrize("seed", range(_HISTORIES))
async def test_an_answer_about_the_past_is_that_of_a_fold_of_the_events_up_to_then(
    generations: Generations, seed: int
) -> None:
    chance = Random(seed)
    copies = seed % 3 == 0
    events = whole_history(chance, chance.choice([10, 30, 60]), copies=copies)
    await generations.whole.fold(events)
    for cutoff in cutoffs(chance, copies=copies):
        await generations.part.fold(events_at(events, cutoff))
        for name, question in questions(chance).items():
            past = await answer(question, generations.whole_reader, generations.whole_explainer, cutoff)
            fresh = await answer(question, generations.part_reader, generations.part_explainer, NO_CUTOFF)
            assert events_by_then(past, cutoff) == events_by_then(fresh, cutoff), (name, cutoff)


@pytest.mark.parametrize("seed", range(_HISTORIES, _HISTORIES + 2))
async def test_an_answer_about_the_latest_time_is_that_of_the_tables(generations: Generations, seed: int) -> None:
    chance = Random(seed)
    events: list[Event] = whole_history(chance, 60, copies=True)
    await generations.whole.fold(events)
    for name, question in questions(chance).items():
        found = [
            await answer(question, generations.whole_reader, generations.whole_explainer, cutoff)
            for cutoff in (Cutoff(as_of=NOW), NO_CUTOFF)
        ]
        assert found[0] == found[1], name

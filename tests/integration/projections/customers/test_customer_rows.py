"""Customer rows are what their contacts add up to, whatever the composer saw of the log and in which order."""

from collections import Counter
from random import Random
from typing import Any, Final

from projections.customers.composing import compose_some
from projections.customers.loading import FIRST
from projections.customers.missing import lacking
from projections.customers.page_ahead import LoadedPage, PageAhead, PagePlace, load_page
from projections.customers.queries import load_customer
from projections.customers.rows import MS_OF_HOUR, customer_row
from projections.customers.store import compose_again
from projections.customers.tables import CUSTOMER_CONTACTS, CUSTOMER_ROWS, CUSTOMER_TERMS, TABLES, CustomerSummaryRow
from projections.customers.terms import term_id
from projections.engine.queries import all_rows
from projections.engine.touched import all_touched
from projections.identity.resolutions import active_resolution, policy_of
from schemas.events import Event
from services.worker.background.composer import Composer
from services.worker.core.composing_pace import TurnSize
from tests.support.identity_events import event
from tests.support.past import REGION, FoldedGeneration, whole_history
from tests.support.streams import id_of

_HISTORIES: Final = 12

Rows = tuple[list[Any], list[Any], list[Any]]


async def test_rows_composed_now_and_then_are_those_composed_at_the_end(generation: Any) -> None:
    for seed in range(_HISTORIES):
        chance = Random(seed)
        events = whole_history(chance, 60, copies=True)
        chance.shuffle(events)

        async def now_and_then(chance: Random = chance) -> None:
            if chance.random() < 0.6:
                await compose(generation, page=chance.randint(1, 5), rounds=chance.randint(1, 3))

        await FoldedGeneration(generation, id_of).fold(events, chunk=chance.randint(1, 30), between=now_and_then)
        await compose(generation)
        found = await rows(generation)
        async with generation.transaction(isolation="repeatable_read"):
            assert await lacking(generation, "demo", REGION) is None, seed
        for table in TABLES:
            await generation.execute(f"DELETE FROM {table.name}")
        await compose(generation, page=3)
        assert await rows(generation) == found, seed
        await each_row_is_as_its_customer_is_read(generation, found[0])


class LoadedBefore(PageAhead):
    """Has a page that was loaded some time ago."""

    def __init__(self, page: LoadedPage) -> None:
        self._page = page

    def begin(self, place: PagePlace) -> None:
        """Load nothing."""

    async def take(self, place: PagePlace) -> LoadedPage | None:  # noqa: ARG002 - it has that one alone
        return self._page


async def test_a_page_that_was_loaded_ahead_is_loaded_again_where_something_has_changed_since(generation: Any) -> None:
    folded = FoldedGeneration(generation, id_of)
    await folded.fold([said(f"line:oa1:U{number}", at=number) for number in range(5)])
    await compose(generation)
    before = (await rows(generation))[0]
    await compose_again(generation)
    active = await active_resolution(generation, "demo")
    page = await load_page(generation, PagePlace(active, REGION, FIRST, 500))
    await folded.fold_more([event("line:oa1:U1", "tag.added", {"tag": "vip"}, at=9)])
    async with generation.transaction(isolation="repeatable_read"):
        await compose_some(generation, "demo", REGION, ahead=LoadedBefore(page))
    after = (await rows(generation))[0]
    assert [one.customer_id for one in after] == [one.customer_id for one in before]
    assert sum("vip" in one.tags for one in after) == 1


async def test_an_event_that_moves_a_time_within_its_hour_changes_no_index(generation: Any) -> None:
    messages = [said("line:oa1:U1", at=at) for at in range(3)]
    await FoldedGeneration(generation, id_of).fold([*messages, event("line:oa1:U1", "tag.added", {"tag": "vip"}, at=0)])
    await compose(generation)
    before = (await rows(generation))[0][0]
    hot = await updates(generation)
    await FoldedGeneration(generation, id_of).fold_more([said("line:oa1:U1", at=59)])
    await compose(generation)
    after = (await rows(generation))[0][0]
    assert after == before._replace(last_customer_at=before.last_customer_at + 57)
    assert await updates(generation) == (hot[0] + 1, hot[1] + 1)


async def updates(connection: Any) -> tuple[int, int]:
    """How many rows of customers this transaction's session updated, and how many of these without any index."""
    await connection.execute("SELECT pg_stat_force_next_flush()")
    found = await connection.fetchrow(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'customer_rows'::regclass"
    )
    return (found[0], found[1])


def said(contact: str, at: int) -> Event:
    return event(contact, "message.received", {"message_id": f"m{at}", "kind": "text", "text": "hi"}, at=at)


async def each_row_is_as_its_customer_is_read(connection: Any, found: list[CustomerSummaryRow]) -> None:
    """The rows of all at once are those of one after the other; each contact is in one."""
    active = await active_resolution(connection, "demo")
    for row in found:
        loaded = await load_customer(connection, active.key, policy_of(active, REGION), row.customer_id)
        assert loaded is not None
        alone, terms, *_ = customer_row("demo", loaded.identity, loaded.contacts, row.conflicts)
        assert alone._replace(tags=row.tags, attributes=row.attributes) == row  # PostgreSQL writes JSON in its own way
        assert sorted(term_id("demo", one) for one in terms) == list(row.terms)
    contacts = await connection.fetchval("SELECT count(*) FROM contacts")
    assert sum(row.contacts for row in found) == contacts


async def compose(connection: Any, *, page: int = 500, rounds: int = 1_000) -> None:
    """So many rounds, or until nothing is left to do."""
    for _ in range(rounds):
        async with connection.transaction(isolation="repeatable_read"):
            if not await compose_some(connection, "demo", REGION, page):
                return


async def rows(connection: Any) -> Rows:
    async with connection.transaction():
        terms: list[Any] = list((await all_rows(connection, CUSTOMER_TERMS)).values())
        summaries: list[Any] = list((await all_rows(connection, CUSTOMER_ROWS)).values())
        contacts: list[Any] = list((await all_rows(connection, CUSTOMER_CONTACTS)).values())
    made = [one._replace(terms=tuple(one.terms), names=tuple(one.names), grams=tuple(one.grams)) for one in summaries]
    by_key = sorted(contacts, key=lambda one: one[:3])
    return sorted(made, key=lambda one: one.customer_id), sorted(one for one in terms if one.customers), by_key


async def test_a_round_takes_each_tenant_a_step_further_however_much_another_has_left(generation: Any) -> None:
    folded = FoldedGeneration(generation, id_of)
    await folded.fold([said(f"line:oa1:U{number}", at=number) for number in range(60)], chunk=10)
    await folded.fold_more([said("line:oa1:U1", at=1).model_copy(update={"tenant": "second"})])
    composer = Composer(never_connect, REGION)
    assert await composer.take_turns(generation, size=TurnSize(ids=10, page=10)) == {"demo": True, "second": False}
    made = Counter(row.tenant for row in (await rows(generation))[0])
    assert made["second"] == 1
    assert 0 < made["demo"] < 60


def never_connect() -> Any:
    raise AssertionError


async def test_messages_that_change_no_fact_only_move_a_time(generation: Any) -> None:
    folded = FoldedGeneration(generation, id_of)
    await folded.fold([said("facebook:page:U1", at=0)])  # a message subscribes on this channel
    await compose(generation)
    await folded.fold_more([said("facebook:page:U1", at=57)])
    noted = await all_touched(generation, "demo")
    assert not noted.contacts
    assert len(noted.seen) == 1
    await compose(generation)
    ((row,), _, _) = await rows(generation)
    assert row.last_customer_at == said("facebook:page:U1", at=57).occurred_at
    await folded.fold_more([said("facebook:page:U1", at=2 * MS_OF_HOUR)])
    assert not (await all_touched(generation, "demo")).contacts
    await compose(generation)
    ((later,), _, (contact,)) = await rows(generation)
    assert later.last_customer_hour == contact.last_customer_hour == row.last_customer_hour + 2

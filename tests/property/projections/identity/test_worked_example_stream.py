"""The family of six events, one commit each, in every order: the same customers, under the same ids."""

import asyncio
from itertools import permutations

from projections.identity.handlers import save
from projections.identity.resolution.policy import Policy
from projections.identity.tables import MEMBERS
from tests.support.memory import Memory, fold
from tests.support.streams import consumed, content, id_of, rules_of
from tests.support.worked_example import ALL, C1, C2, LINE, WHATSAPP


def test_every_order_of_the_six_events_comes_to_the_same_rows() -> None:
    expected = content(fold([list(ALL)], Policy()).tables_of_rows())
    for order in permutations(ALL):
        memory = fold([[event] for event in order], Policy())
        assert content(memory.tables_of_rows()) == expected
        held = consumed(memory.outbox)
        assert held == {id_of("demo", C1): sorted([LINE, C1, WHATSAPP]), id_of("demo", C2): [C2]}
        assert {row.contact: row.customer_id for row in memory.tables[MEMBERS].values()} == {
            contact: customer for customer, contacts in held.items() for contact in contacts
        }


def test_whatsapp_leaves_and_comes_back() -> None:
    memory = fold([[event] for event in ALL], Policy())
    told = [(row.customer_id, row.seq, word_of(row.payload)) for row in memory.outbox]
    c1, c2, whatsapp = (id_of("demo", contact) for contact in (C1, C2, WHATSAPP))
    assert told == [
        (c1, 1, "created"),  # logs in
        (c1, 2, "linked"),  # the site button
        (c1, 3, "linked"),  # writes
        (c1, 4, "split"),  # another member's login makes the phone shared
        (c2, 1, "created"),
        (whatsapp, 1, "split"),
        (whatsapp, 2, "merged"),  # that login taken back
        (c1, 5, "merged"),
    ]


def word_of(payload: str) -> str:
    return payload.partition('"type":"')[2].partition('"')[0]


def test_changes_name_the_event_that_caused_them() -> None:
    memory = fold([[event] for event in ALL], Policy())
    causes = [payload.partition('"cause":"')[2].partition('"')[0] for *_, payload in memory.outbox]
    assert causes == [ALL[index].event_id for index in (1, 2, 3, 4, 4, 4, 5, 5)]


def test_memory_is_untouched_by_what_it_knows() -> None:
    memory = fold([list(ALL)], Policy())
    told, calls = len(memory.outbox), len(memory.calls)
    asyncio.run(_again(memory))
    assert len(memory.outbox) == told
    assert [call for call, _ in memory.calls[calls:]] == ["statements"]


async def _again(memory: Memory) -> None:
    await save(memory, list(ALL), rules_of(Policy()))

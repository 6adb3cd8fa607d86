"""The family of six events, one commit each, in every order: the same customers, under the same ids."""

from itertools import permutations

from projections.identity.resolution.policy import Policy
from tests.support.identity_memory import Memory
from tests.support.streams import consumed, content, id_of, membership
from tests.support.worked_example import ALL, C1, C2, LINE, WHATSAPP


def test_every_order_of_the_six_events_comes_to_the_same_rows() -> None:
    expected = content(Memory(Policy()).fold_all([ALL]).tables)
    for order in permutations(ALL):
        memory = Memory(Policy()).fold_all([event] for event in order)
        assert content(memory.tables) == expected
        assert membership(memory.tables) == {id_of("demo", C1): sorted([LINE, C1, WHATSAPP]), id_of("demo", C2): [C2]}
        assert consumed(memory.outbox) == membership(memory.tables)


def test_whatsapp_leaves_and_comes_back() -> None:
    memory = Memory(Policy()).fold_all([event] for event in ALL)
    changes = [(row.customer_id, row.seq, _word(row.payload, "type")) for row in memory.outbox]
    c1, c2, whatsapp = (id_of("demo", contact) for contact in (C1, C2, WHATSAPP))
    assert changes == [
        (c1, 1, "created"),  # logs in
        (c1, 2, "linked"),  # the site button
        (c1, 3, "linked"),  # writes
        (c1, 4, "split"),  # another member's login makes the phone shared
        (c2, 1, "created"),
        (whatsapp, 1, "split"),
        (whatsapp, 2, "merged"),  # that login taken back
        (c1, 5, "merged"),
    ]


def test_changes_name_the_event_that_caused_them() -> None:
    memory = Memory(Policy()).fold_all([event] for event in ALL)
    causes = [_word(row.payload, "cause") for row in memory.outbox]
    assert causes == [ALL[index].event_id for index in (1, 2, 3, 4, 4, 4, 5, 5)]


def test_a_repeated_chunk_changes_nothing() -> None:
    memory = Memory(Policy()).fold_all([ALL])
    before = content(memory.tables), list(memory.outbox)
    memory.fold(ALL)
    assert (content(memory.tables), memory.outbox) == before


def _word(payload: str, name: str) -> str:
    return payload.partition(f'"{name}":"')[2].partition('"')[0]

"""Each fold's law: any order, repetition and batching of the same events gives the same rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.engine.projection import Projection
from projections.reference import fold_log
from projections.registry import PROJECTIONS
from schemas.events import Event
from tests.support.strategies import CONTACTS, event_lists
from tests.support.twin import MemoryReadModels, chunkings, crowded, happened

FEW = CONTACTS[:1] + CONTACTS[3:4]  # one with a follow, one without
SIGNALS = ["contact.followed", "contact.blocked", "message.received", "bot.interacted"]


@given(st.data(), event_lists())
def test_any_order_repetition_and_batching_gives_the_rows_of_the_set(data: st.DataObject, events: list[Event]) -> None:
    twin = MemoryReadModels()
    for chunk in data.draw(chunkings(events)):
        twin.project(happened(chunk))
    assert twin.tables == fold_log(PROJECTIONS, happened(events))


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda one: one.table.name)
@given(data=st.data())
def test_each_fold_by_itself_one_event_at_a_time(projection: Projection, data: st.DataObject) -> None:
    types = sorted(projection.types or SIGNALS)
    events = crowded(data.draw(event_lists(types=types, contacts=FEW, max_size=12)))
    twin = MemoryReadModels([projection])
    for event in data.draw(st.permutations(events)):
        twin.project(happened([event]))
    assert twin.tables == fold_log([projection], happened(events))


@given(st.data(), event_lists())
def test_new_events_are_counted_once_whatever_is_repeated(data: st.DataObject, events: list[Event]) -> None:
    twin = MemoryReadModels()
    new = sum(twin.project(happened(chunk)) for chunk in data.draw(chunkings(events)))
    assert new == len({(event.tenant, event.contact and event.contact.key, event.event_id) for event in events})

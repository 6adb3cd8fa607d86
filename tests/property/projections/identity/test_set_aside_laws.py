"""Values that are no evidence are a function of the set of events, and equal those of a whole resolution."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.identity import contact_updates, values_set_aside
from projections.identity.reference import resolve_log
from projections.identity.resolution import nodes
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.resolution import evidence_in, resolve
from projections.identity.resolution.statements import log_of
from projections.identity.rules import PolicyInForce
from projections.identity.tables import SET_ASIDE
from schemas.events import Event
from tests.support.identity_events import bound, erased, unbound
from tests.support.identity_memory import Memory
from tests.support.streams import id_of

CONTACTS = ["web:shop:a", "line:oa1:b"]
VALUES = {
    "phone": ["12", "null", "0911111111", "0922222222"],
    "email": ["no address", "a@example.tw", "b@example.tw", "c@example.tw", "d@example.tw"],
    "member_id": ["guest", "M1", "M2"],
    "telegram_user": ["7"],
}


@st.composite
def _event(draw: st.DrawFn) -> Event:
    contact, at = draw(st.sampled_from(CONTACTS)), draw(st.integers(0, 4))
    event_id = draw(st.sampled_from([f"e{n}" for n in range(8)]))
    kind = draw(st.sampled_from(["bound", "bound", "bound", "unbound", "erased"]))
    if kind == "erased":
        return erased(contact, at=at, event_id=event_id)
    name = draw(st.sampled_from(sorted(VALUES)))
    values = draw(st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=4, unique=True))
    if kind == "unbound":
        return unbound(contact, at=at, event_id=event_id, **{name: values})
    assurance = draw(st.sampled_from(["claimed", "claimed", "verified"]))
    return bound(contact, at=at, assurance=assurance, event_id=event_id, **{name: values})


@pytest.fixture(autouse=True)
def _few_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than two claims of one type are too many."""
    monkeypatch.setattr(nodes, "MOST_CLAIMS", 2)
    for reader in (values_set_aside, contact_updates):
        monkeypatch.setattr(reader, "MOST_CLAIMS", 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_event(), max_size=12), st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_what_is_set_aside_depends_on_the_set_of_events_alone(events: Sequence[Event], sizes: list[int]) -> None:
    chunks, rest = [], list(events)
    for size in sizes:
        chunks.append(rest[:size])
        rest = rest[size:]
    memory = Memory(Policy()).fold_all(chunk for chunk in chunks if chunk)
    reference = resolve_log(events, {memory.place: PolicyInForce("default", Policy())}, id_of)
    assert memory.tables[SET_ASIDE] == reference[SET_ASIDE]
    whole = resolve(evidence_in(log_of(events)), Policy())
    kept = {(row.contact, row.type, row.value, row.reason) for row in _rows(memory)}
    assert kept == {tuple(one) for one in whole.set_aside}


def _rows(memory: Memory) -> list[values_set_aside.ValueSetAside]:
    return [
        values_set_aside.ValueSetAside(row[6], row[3], row[5], *row[7:]) for row in memory.tables[SET_ASIDE].values()
    ]

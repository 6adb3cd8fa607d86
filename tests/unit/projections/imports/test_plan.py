from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from projections.identity.resolution.policy import Policy
from projections.imports.order import ImportOrder
from projections.imports.plan import ImportTarget, Planner
from projections.imports.statements import RowStatement, StatedAttribute

NOW = 1_772_000_000_000
CUSTOMERS = Planner("acme", ImportOrder(kind="customers"), Policy(), NOW)
REPLACING = Planner("acme", ImportOrder(kind="contacts", channel="line", account="oa", tags="replace"), Policy(), NOW)
PHONE = ("phone", "+886911223344")
ROW = RowStatement(2, "007", "王小明", (PHONE,), ("vip",), (StatedAttribute("size", "L", "text"),))


def data(*planned: Any) -> list[tuple[str, Any]]:
    return [(event.type, event.data) for one in planned for event in one.events]


def test_a_new_member_is_created_with_everything_that_its_row_states() -> None:
    planned = CUSTOMERS.plan(ROW, ImportTarget())
    assert planned.outcome == "created"
    assert [event.type for event in planned.events] == [
        "identity.bound",
        "profile.updated",
        "tag.added",
        "attribute.set",
    ]
    first = planned.events[0]
    assert first.contact is not None
    assert first.contact.key == "crm:crm:007"
    assert [(one.type, one.value) for one in first.intrinsic] == [("member_id", "007")]
    assert (first.source, first.occurred_at) == ("import", NOW)


def test_a_row_that_states_only_a_member_creates_it() -> None:
    (event,) = CUSTOMERS.plan(RowStatement(2, "8"), ImportTarget()).events
    assert event.type == "profile.updated"


def test_what_is_stored_already_is_not_stated_again() -> None:
    target = ImportTarget(
        exists=True,
        names=frozenset({"王小明"}),
        identifiers=frozenset({PHONE}),
        tags={"line:oa:U1": frozenset({"vip"})},
        attributes={"size": "L"},
    )
    assert CUSTOMERS.plan(ROW, target) == ("unchanged", ())


def test_values_that_a_file_shows_alike_are_the_same() -> None:
    row = RowStatement(2, "1", attributes=(StatedAttribute("n", "3", None), StatedAttribute("b", "true", None)))
    assert CUSTOMERS.plan(row, ImportTarget(exists=True, attributes={"n": 3.0, "b": True})).outcome == "unchanged"


def test_replacing_takes_off_the_other_tags_but_a_row_without_tags_takes_off_none() -> None:
    target = ImportTarget(exists=True, tags={"line:oa:U1": frozenset({"old", "vip"})})
    events = REPLACING.plan(RowStatement(2, "U1", tags=("new", "vip")), target).events
    assert [(event.type, getattr(event.data, "tag", None)) for event in events] == [
        ("tag.added", "new"),
        ("tag.removed", "old"),
    ]
    assert REPLACING.plan(RowStatement(2, "U1"), target).outcome == "unchanged"


def test_unassigned_takes_the_member_of_staff_off_once() -> None:
    row = RowStatement(2, "U1", staff=("", ""))
    bound = REPLACING.plan(row, ImportTarget(exists=True, staff=("Amy", "T1")))
    assert [event.type for event in bound.events] == ["omo.unbound"]
    assert REPLACING.plan(row, ImportTarget(exists=True)).outcome == "unchanged"


def test_the_same_statement_in_the_same_place_is_the_same_event_and_in_another_it_is_not() -> None:
    def ids(target: ImportTarget, planner: Planner = CUSTOMERS) -> list[str]:
        return [event.event_id for event in planner.plan(ROW, target).events]

    later = Planner("acme", ImportOrder(kind="customers"), Policy(), NOW + 1)
    assert ids(ImportTarget()) == ids(ImportTarget(), later)
    changed = ids(ImportTarget(standing={("attribute.set", "size"): "event-9"}))
    assert [one == other for one, other in zip(ids(ImportTarget()), changed, strict=True)] == [True, True, True, False]
    stranger = Planner("other", ImportOrder(kind="customers"), Policy(), NOW)
    assert not set(ids(ImportTarget())) & set(ids(ImportTarget(), stranger))


WORDS = st.text("abc", min_size=1, max_size=3)


@given(
    st.builds(
        RowStatement,
        st.just(2),
        WORDS,
        st.none() | WORDS,
        st.just(()) | st.just((PHONE,)),
        st.lists(WORDS, unique=True, max_size=3).map(tuple),
        st.lists(st.builds(StatedAttribute, st.just("k"), WORDS, st.none()), max_size=1).map(tuple),
        st.none() | st.tuples(WORDS, WORDS) | st.just(("", "")),
    ),
    st.sampled_from([CUSTOMERS, REPLACING]),
)
def test_a_row_whose_statements_became_true_changes_nothing(row: RowStatement, planner: Planner) -> None:
    events = planner.plan(row, ImportTarget(tags={"web:oa:z": frozenset({"old"})})).events
    kept = {"old"} - {event.data.tag for event in events if event.type == "tag.removed"}  # type: ignore[union-attr]
    after = ImportTarget(
        exists=True,
        names=frozenset({row.name or ""}),
        identifiers=frozenset(row.identifiers),
        tags={"web:oa:z": frozenset({*row.tags, *kept})},
        attributes={one.key: one.value for one in row.attributes},
        staff=row.staff or ("", ""),
    )
    assert planner.plan(row, after).outcome == "unchanged"

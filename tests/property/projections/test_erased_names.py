"""What is left of events that name somebody who is erased."""

from hypothesis import given
from hypothesis import strategies as st

from projections.erasures.others import leaving_out, names, without
from projections.timeline.folds import row_of
from schemas.codec import decode, encode
from schemas.events import Event, Identifier
from schemas.subjects import contact_subject, references_in
from tests.support.contact_records import event
from tests.support.strategies import BASE_MS, CONTACTS, event_lists
from tests.support.twin import contact_events

NAMING = ["identity.bound", "identity.unbound", "identity.decided", "contact.superseded", "message.received"]
SUBJECTS = st.sets(st.sampled_from([contact_subject(one.key) for one in CONTACTS]), min_size=1)


@given(event_lists(types=NAMING, max_size=4), SUBJECTS)
def test_what_is_left_says_all_but_the_name(events: list[Event], subjects: set[str]) -> None:
    for one in events:
        left = without(one, subjects)
        own = {reference.subject for reference in references_in(one, None)}
        if left is None:
            assert own & subjects or one.type in {"identity.bound", "identity.unbound"}
            continue
        assert not names(left, subjects)
        assert {reference.subject for reference in references_in(left, None)} == own - subjects
        assert (left == one) or names(one, subjects)
        assert (left.event_id, left.stamp, left.contact, left.source) == (
            one.event_id,
            one.stamp,
            one.contact,
            one.source,
        )
        assert decode(encode(left)) == left


@given(event_lists(types=NAMING, max_size=6, conflicts=False), SUBJECTS)
def test_another_attempt_gives_the_same_events(events: list[Event], subjects: set[str]) -> None:
    naming = [one for one in contact_events(events) if one.event.contact and names(one.event, subjects)]
    made = leaving_out("r1", BASE_MS, naming, subjects)
    assert made == leaving_out("r1", BASE_MS, naming, subjects)
    again = contact_events(made)
    assert not any(key.removeprefix("contact|") in str(row_of(one)) for one in again for key in subjects)
    listed = [digest for one in made if one.type == "contact.events_erased" for digest in one.data.events]  # type: ignore[union-attr]
    assert len(listed) == len({(one.contact_id, one.event.event_id) for one in naming})


def test_of_many_identifiers_the_named_ones_go() -> None:
    said = [Identifier(type="contact", value=CONTACTS[number % 2].key) for number in range(13)]
    whole = event("message.received", contact="web:shop:own").model_copy(update={"intrinsic": said})
    left = without(whole, {contact_subject(CONTACTS[0].key)})
    assert left is not None
    assert [one.value for one in left.intrinsic] == [CONTACTS[1].key] * 6

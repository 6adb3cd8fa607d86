"""What an erasure covers at its very moment."""

from projections.engine.ids import NO_CONTACT
from projections.engine.projection import ContactEvent
from projections.erasures.folds import is_erased
from projections.erasures.tables import ErasureRow
from tests.support.contact_records import event


def test_an_event_that_shares_the_time_and_id_of_the_erasure_is_erased_and_the_erasure_is_not() -> None:
    erasure = event("contact.erased", request_id="r")
    horizon = ErasureRow(erasure.tenant, NO_CONTACT, *erasure.stamp)
    same = event("contact.followed").model_copy(
        update={"event_id": erasure.event_id, "occurred_at": erasure.occurred_at}
    )
    assert is_erased(ContactEvent(NO_CONTACT, same), horizon)
    assert not is_erased(ContactEvent(NO_CONTACT, erasure), horizon)

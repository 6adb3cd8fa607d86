from itertools import permutations
from uuid import UUID

from projections.identity.evidence_logs import logs_of
from projections.identity.resolution.statements import log_of
from tests.support.identity_events import erased, seen
from tests.support.streams import id_of

CONTACT, OTHER = "whatsapp:n1:886911111111", "whatsapp:n1:886922222222"
CONTACT_ID = id_of("demo", CONTACT)
NAMELESS = f"whatsapp:n1:erased/{CONTACT_ID}"


def personal(tenant: str, contact: str) -> UUID:
    """As the ids of the service: what is erased says its own."""
    return CONTACT_ID if contact == NAMELESS else id_of(tenant, contact)


def test_an_erasure_without_a_name_is_of_the_contact_that_comes_again() -> None:
    events = [erased(NAMELESS, at=5), erased(CONTACT, at=3), seen(CONTACT, phone="+886911111111", at=1)]
    beside = [seen(OTHER, phone="+886922222222", at=1)]
    tenant = events[0].tenant
    named = log_of([erased(CONTACT, at=5), *events[1:], *beside])
    for order in permutations([*events, *beside]):
        found = logs_of(order, personal)[tenant]
        assert (found.contacts, found.erasures) == ({CONTACT, OTHER}, named.erasures | {CONTACT: events[0].stamp})
        assert {contact: set(records) for contact, records in found.events.items()} == {
            CONTACT: {one.event_id for one in events},
            OTHER: {beside[0].event_id},
        }


def test_who_does_not_come_again_stays_nameless() -> None:
    erasure = erased(NAMELESS, at=5)
    assert logs_of([erasure], personal)[erasure.tenant].contacts == {NAMELESS}

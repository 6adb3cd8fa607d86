"""The membership by the evidence must be that of a full resolution of the log."""

import asyncio

from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from projections.identity.tables import MEMBERS
from schemas.events import Event
from services.verify.check_resolution import compare_resolution, is_ahead
from services.verify.comparing import TableComparison
from tests.support.contacts_agent import ContactsAgent, contact_events
from tests.support.identity_events import bound, seen
from tests.support.streams import rules_of

CRM, WEB = "crm:erp:1", "web:shop:c1"
LOG = [
    seen(CRM, member_id="M1", at=1),
    seen(CRM, member_id="M2", at=3),
    seen(CRM, member_id="M1", at=5),
    bound(WEB, member_id="M1", at=2),
    seen("line:oa1:U9", at=2),
]


def compared(evidence: list[Event]) -> TableComparison:
    rules = rules_of(Policy())
    tables = asyncio.run(resolve_log(evidence, rules))
    return compare_resolution(contact_events(LOG), tables[MEMBERS], rules)


def test_the_evidence_that_is_passed_on_gives_the_membership_of_the_log() -> None:
    assert compared(ContactsAgent().send(LOG)) == TableComparison("resolution", 2, 2, None)


def test_membership_without_a_later_sighting_is_found() -> None:
    found = compared([*LOG[:2], LOG[3]]).difference
    assert found is not None
    assert "M1" not in found
    assert WEB not in found


def test_evidence_of_events_that_are_not_in_the_log_is_ahead() -> None:
    evidence = ContactsAgent().send(LOG)
    assert not is_ahead(contact_events(LOG), contact_events(evidence))
    assert is_ahead(contact_events(LOG[:-2]), contact_events(evidence))
    assert is_ahead(
        contact_events([*LOG[:2], *LOG[3:]]), contact_events([one for one in evidence if one is not LOG[2]])
    )

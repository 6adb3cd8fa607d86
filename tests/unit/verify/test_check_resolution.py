"""Membership and conflicts by the evidence must be those of a full resolution of the log."""

from projections.identity.reference import determined, resolve_log
from projections.identity.resolution.policy import Policy
from schemas.events import Event
from services.verify.check_resolution import compare_resolution
from services.verify.comparing import TableComparison
from tests.support.contacts_agent import sent
from tests.support.identity_events import bound, seen
from tests.support.streams import id_of, policies_for

CRM, BROWSER = "crm:erp:1", "web:shop:c1"
LOG = [
    seen(CRM, member_id="M1", at=1),
    seen(CRM, member_id="M2", at=3),
    seen(CRM, member_id="M1", at=5),
    bound(BROWSER, member_id="M2", at=0),
    seen("line:oa1:U9", at=2),
]
POLICIES = policies_for(["demo"], Policy())


def compared(evidence: list[Event]) -> TableComparison:
    tables = determined(resolve_log(evidence, POLICIES, id_of))
    return compare_resolution(LOG, tables, POLICIES, id_of)


def test_the_evidence_that_is_passed_on_gives_the_result_of_the_log() -> None:
    (evidence,) = sent([LOG])
    assert len(evidence) == 3
    assert compared(evidence) == TableComparison("resolution", 3, 3, None)  # two contacts and a conflict


def test_membership_without_an_intrinsic_identifier_is_found() -> None:
    found = compared([LOG[0], LOG[3]]).difference
    assert found is not None
    assert "M2" not in found
    assert BROWSER not in found


def test_a_missing_conflict_is_found() -> None:
    found = compared([LOG[1], LOG[3]]).difference
    assert found is not None
    assert "conflict" in found

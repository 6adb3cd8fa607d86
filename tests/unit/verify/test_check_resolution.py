"""Who is who by the log itself, against what was made of it."""

import asyncio

from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from projections.identity.tables import MEMBERS
from schemas.events import Event
from services.verify.check_resolution import ahead, compare_literal
from services.verify.comparing import Comparison
from tests.support.saying import bound, seen
from tests.support.sayings import Contacts, happened
from tests.support.streams import rules_of

CRM, WEB = "crm:erp:1", "web:shop:c1"
LOG = [
    seen(CRM, member_id="M1", at=1),
    seen(CRM, member_id="M2", at=3),
    seen(CRM, member_id="M1", at=5),
    bound(WEB, member_id="M1", at=2),
    seen("line:oa1:U9", at=2),
]


def compared(heard: list[Event]) -> Comparison:
    rules = rules_of(Policy())
    tables = asyncio.run(resolve_log(heard, rules))
    return compare_literal(happened(LOG), tables[MEMBERS], rules)


def test_what_the_contacts_tell_comes_to_what_the_log_says() -> None:
    assert compared(Contacts().say(LOG)) == Comparison("resolution", 2, 2, None)


def test_members_by_an_earlier_sighting_are_found_out() -> None:
    found = compared([*LOG[:2], LOG[3]]).difference
    assert found is not None
    assert "M1" not in found
    assert WEB not in found


def test_identity_is_ahead_if_it_heard_of_what_was_not_said() -> None:
    heard = Contacts().say(LOG)
    assert not ahead(happened(LOG), happened(heard))
    assert ahead(happened(LOG[:-2]), happened(heard))
    assert ahead(happened([*LOG[:2], *LOG[3:]]), happened([one for one in heard if one is not LOG[2]]))

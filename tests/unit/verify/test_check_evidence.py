"""Everything that contacts said of identity must be on its topic."""

import pytest

from projections.intrinsics.folds import rows_of
from schemas.events import Event
from schemas.restatements import RESTATED
from services.verify.check_evidence import compare_evidence
from services.verify.comparing import Rows
from tests.support.saying import bound, decided, seen, unbound
from tests.support.sayings import Contacts, happened

WHATSAPP, WEB = "whatsapp:n1:886911111111", "web:shop:c1"
SAID = [
    bound(WEB, member_id="M7", at=1),
    seen(WHATSAPP, phone="+886911111111", at=2),
    unbound(WEB, member_id="M7", at=3),
    decided(WEB, WHATSAPP, "same", at=4),
    seen(WHATSAPP, phone="+886911111111", at=5),
]


def difference(heard: list[Event]) -> str | None:
    return compare_evidence(happened(SAID), dict(rows_of(happened(SAID))), happened(heard)).difference


def test_topic_that_has_it_all_and_more() -> None:
    more = [*SAID[:4], bound(WEB, member_id="M8", at=9), seen(WHATSAPP, phone="+886911111111", at=0)]
    assert difference(more) is None


@pytest.mark.parametrize("lost", range(4))
def test_what_is_not_on_the_topic_is_missed(lost: int) -> None:
    found = difference([*SAID[:lost], *SAID[lost + 1 :]])
    assert found is not None
    assert "M7" not in found
    assert "8869" not in found


def test_a_channels_own_id_that_is_known_since_earlier_need_not_be_said_again() -> None:
    assert difference(SAID[:4]) is None


def test_of_several_values_the_last_event_with_each_must_be_said_again() -> None:
    said = [*SAID, seen(WHATSAPP, phone="+886922222222", at=4)]
    heard = Contacts().say(said)
    rows: Rows = dict(rows_of(happened(said)))
    assert [one.type for one in heard[-2:]] == [RESTATED, RESTATED]
    for lost in heard:
        without = happened(one for one in heard if one is not lost)
        assert compare_evidence(happened(said), rows, without).difference is not None
    assert compare_evidence(happened(said), rows, happened(heard)).difference is None

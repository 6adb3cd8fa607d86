"""Everything that contacts said of identity must be on its topic."""

import pytest

from projections.engine.projection import Happened
from projections.intrinsics.folds import known
from schemas.events import Event
from services.verifying.evidence import compare_evidence
from tests.property.resolve_stream.streams import id_of
from tests.unit.resolve.saying import bound, decided, seen, unbound

WHATSAPP, WEB = "whatsapp:n1:886911111111", "web:shop:c1"
SAID = [
    bound(WEB, member_id="M7", at=1),
    seen(WHATSAPP, phone="+886911111111", at=2),
    unbound(WEB, member_id="M7", at=3),
    decided(WEB, WHATSAPP, "same", at=4),
    seen(WHATSAPP, phone="+886911111111", at=5),
]


def happened(events: list[Event]) -> list[Happened]:
    return [Happened(id_of(one.tenant, one.contact.key), one) for one in events if one.contact]


def difference(heard: list[Event]) -> str | None:
    return compare_evidence(happened(SAID), known(happened(SAID)), happened(heard)).difference


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

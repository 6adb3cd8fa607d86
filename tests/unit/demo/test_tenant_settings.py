"""What the demo's brand sets for itself: the limit leaves room, and its filters can be searched."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.events.tenant import AttributeDefinition
from services.demo.tenant_settings import ATTRIBUTES, SEGMENTS, limit_for
from services.ingress.core.saved_segments import SegmentRequest


@given(st.integers(0, 10_000_000))
def test_the_limit_is_a_round_number_above_what_is_used(used: int) -> None:
    assert used < limit_for(used) <= used * 1.15 + 50
    assert limit_for(used) % 50 == 0


def test_every_segment_can_be_saved() -> None:
    for saved in SEGMENTS.values():
        assert SegmentRequest.model_validate(saved).name == saved["name"]


def test_every_attribute_has_a_name_in_both_languages() -> None:
    for defined in ATTRIBUTES:
        names = AttributeDefinition.model_validate(defined).names
        assert names is not None
        assert names.zh
        assert names.en

"""A contact has one uid, though a WhatsApp number may have two spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.identity.resolution.contact_uids import one_uid, with_one_uid

UIDS = st.from_regex(r"\+?(52|521|54|549|55|229|22901|225|22507)?[0-9]{6,12}", fullmatch=True) | st.text(max_size=20)


@pytest.mark.parametrize(
    ("one", "other"),
    [("5215512345678", "525512345678"), ("+5491123456789", "541123456789"), ("5511987654321", "551187654321")],
)
def test_both_spellings_of_a_whatsapp_number_are_one_uid(one: str, other: str) -> None:
    assert one_uid("whatsapp", one) == one_uid("whatsapp", other) == other


@given(st.sampled_from(["line", "facebook", "instagram", "web", "crm"]), UIDS)
def test_the_uid_of_another_channel_stays_as_it_is(channel: str, uid: str) -> None:
    assert one_uid(channel, uid) == uid


@given(UIDS)
def test_the_one_uid_names_itself(uid: str) -> None:
    assert one_uid("whatsapp", one_uid("whatsapp", uid)) == one_uid("whatsapp", uid)


@pytest.mark.parametrize("uid", ["TW.70214458896301225417", "886912345678", "anna", "", "+", "5215512345678x"])
def test_a_uid_that_is_no_number_of_two_spellings_stays_as_it_is(uid: str) -> None:
    assert one_uid("whatsapp", uid) == uid


@pytest.mark.parametrize("contact", [{}, {"uid": 7, "channel": "whatsapp"}, {"uid": "5215512345678"}, {"channel": []}])
def test_parts_that_are_no_contact_stay_as_they_are(contact: dict[str, object]) -> None:
    assert with_one_uid(contact) == contact

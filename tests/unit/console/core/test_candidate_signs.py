"""Every sign of a candidate is a sentence in the reader's language, whatever the values hold."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.core.candidate_signs import conflict_sides, sign_sentence
from services.console.core.names import Names
from services.console.http.rendering import translations
from services.query.core.candidate_models import CandidateSign
from services.query.core.identity_models import Conflict

KINDS = ("name", "birthday", "address", "local_part", "similar_phone", "alias", "contact", "phone", "email", "other")
NO_PERCENT = st.text(st.characters(exclude_characters="%"))
ENGLISH, CHINESE = Names(lambda text: text), Names(translations("zh-Hant").gettext)


@pytest.mark.parametrize(
    ("changes", "members", "contacts"),
    [
        ({"detail": ["member_id", "M1", "M2"]}, ("M1", "M2"), None),
        ({"type": "contact", "value": "web:s:c"}, None, ("line:oa:U1", "web:s:c")),
        ({"type": "contact", "value": "web:s:c", "reason": "decided_different"}, None, None),
        ({"detail": ["phone", "1"]}, None, None),
        ({"status": "set_aside", "detail": ["member_id", "M1", "M2"]}, None, None),
    ],
)
def test_a_conflict_says_what_can_be_decided_about_it(
    changes: dict[str, Any], members: tuple[str, str] | None, contacts: tuple[str, str] | None
) -> None:
    given: dict[str, Any] = {
        "contact": "line:oa:U1",
        "session": None,
        "contact_id": UUID(int=1),
        "customer_id": UUID(int=2),
        "type": "phone",
        "value": "+886911",
        "value_session": None,
        "status": "refused",
        "tier": 2,
        "reason": "shared",
        "detail": [],
        "at": 1,
        "event_id": None,
    }
    assert conflict_sides(Conflict.model_validate(given | changes)) == (members, contacts)


SHARED = "people with different member IDs have this value"


def a_sign(kind: str, weight: float, *values: str, reasons: tuple[str, ...] = ()) -> CandidateSign:
    return CandidateSign(sign=kind, weight=weight, words="", values=list(values), reasons=list(reasons))


@pytest.mark.parametrize(
    ("sign", "english", "chinese"),
    [
        (a_sign("name", 3, "王大明", "王大明"), "Both are called 王大明.", "兩者都叫 王大明。"),
        (
            a_sign("name", 1, "王大明", "王小明"),
            "Their names are similar: 王大明 and 王小明.",
            None,
        ),
        (
            a_sign("birthday", -4, "1990-01-31", "1991-05-02"),
            "Their birthdays differ: 1990-01-31 and 1991-05-02.",
            None,
        ),
        (a_sign("contact", 5, "line:oa:U1", "line:oa:U1"), "Both are bound to LINE U1.", "兩者都綁定了 LINE U1。"),
        (
            a_sign("phone", 4, "+886911", "+886911", reasons=("shared",)),
            f"Both have the same phone number: +886911. Why no rule joins them: {SHARED}.",
            None,
        ),
    ],
    ids=lambda one: one.sign if isinstance(one, CandidateSign) else None,
)
def test_a_sign_is_a_sentence(sign: CandidateSign, english: str, chinese: str | None) -> None:
    assert sign_sentence(sign, ENGLISH) == english
    assert chinese in {None, sign_sentence(sign, CHINESE)}
    assert sign_sentence(sign, CHINESE) != english


@given(st.sampled_from(KINDS), st.sampled_from([-5.0, 0.5, 5.0]), NO_PERCENT, NO_PERCENT)
def test_every_kind_of_sign_is_filled_in(kind: str, weight: float, one: str, other: str) -> None:
    for names in (ENGLISH, CHINESE):
        assert "%" not in sign_sentence(a_sign(kind, weight, one, other), names)

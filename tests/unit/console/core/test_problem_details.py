"""What handlers refuse is said in the reader's language; the sentences are theirs, so a changed one fails here."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from projections.customers.search.rewriting import Unsearchable, expanded
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.set_aside import detail_of
from services.console.core.problem_details import problem_words
from services.console.http.rendering import translations
from services.control.errors import AlreadyUndone, FileGone, NotEnded, UnknownDeletion
from services.query.core.errors import Ambiguous, BadCursor, CursorOfAnotherSearch
from services.query.handlers.customer_lookup import NO_CONTACT, NO_CUSTOMER
from services.query.handlers.jobs import NoFileYet
from services.query.handlers.segments import NO_SEGMENT
from services.query.handlers.watching import TooManyWatchers
from services.query.ports import EvidenceTooLarge, PreviewBusy
from services.runtime.problems import unavailable
from services.verify.letter_desk import ReadingTooLong

POLICY: Final = Policy.from_json({})
AN_END: Final = datetime(2026, 3, 1, tzinfo=UTC).isoformat(timespec="seconds")
KINDS: Final = (
    AlreadyUndone,
    BadCursor,
    CursorOfAnotherSearch,
    EvidenceTooLarge,
    FileGone,
    NoFileYet,
    NotEnded,
    PreviewBusy,
    ReadingTooLong,
    TooManyWatchers,
    UnknownDeletion,
)


def unsearchable() -> str:
    with pytest.raises(Unsearchable) as caught:
        expanded({"segment": "a 'b'"}, {})  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    "detail",
    [
        *(kind.__doc__ for kind in KINDS),
        str(Ambiguous([UUID(int=1)])),
        NO_CONTACT,
        NO_CUSTOMER,
        NO_SEGMENT,
        "no name has a NUL character",
        unavailable("Kafka").detail,
        detail_of("member_id", " ", "no_value", POLICY),
        detail_of("member_id", "0000", "blocked", POLICY),
        "a member id can't become itself",
        "20 jobs are not finished yet; wait for them, or cancel some",
        "the job is done already, so there is nothing to cancel",
        f"the job could be undone until {AN_END}",
        f"files to import take 5 bytes of 4; the first of them goes at {AN_END}",
        "More than 20,000 events are to be read for this answer. Build a generation as of that time instead.",
        "g2 is the active generation. Activate another one first, or build one.",
        "Field required",
    ],
)
def test_what_handlers_refuse_is_said_in_chinese(detail: str) -> None:
    found = problem_words(detail, translations("zh-Hant").gettext)
    assert not found.english, detail
    assert not found.text.isascii()


def test_the_values_of_a_detail_are_kept_and_may_hold_anything() -> None:
    chinese = translations("zh-Hant").gettext
    assert "%(value)s 'x'" in problem_words("there is no segment '%(value)s 'x''", chinese).text
    assert problem_words("100 % new: %(name)s", chinese) == ("100 % new: %(name)s", True)

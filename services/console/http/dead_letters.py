"""Dead letters: what workers set aside, by reason; one with its bytes; sending them again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from starlette.responses import Response

from services.console.core.letter_details import detail_words, refusal_words
from services.console.core.letter_views import outcome_name, reason_name, shown_bytes, tally
from services.console.http.channels import CHANGING_OPERATIONS, OPERATIONS
from services.console.http.pages import PageRoute
from services.console.http.visits import Visit, query_of
from services.runtime.api import Access
from services.runtime.problems import NOT_FOUND, UNAVAILABLE, Problem, unavailable
from services.runtime.publishing import NotPublished
from services.verify.dead_letters import RecordPlace
from services.verify.http import COST, whose
from services.verify.letter_desk import LATEST, LetterDesk, NoSuchLetter, ReadingTooLong, counted

PATH: Final = f"{OPERATIONS}/dead-letters"
_READING_LETTERS: Final = Access("admin", COST)
_MOST: Final = 100


async def show_letters(visit: Visit) -> Response:
    """The dead letters that may be seen, the latest first, and how many there are of each reason."""
    return await _list(visit, query_of(visit.request).one("reason"))


async def show_letter(visit: Visit) -> Response:
    """One dead letter with its bytes and its reason."""
    async with _translated():
        one = await _desk(visit).letter(whose(visit.principal), _place(visit))
    return visit.page(
        "operations/dead_letter.html",
        one=one,
        key=shown_bytes(one.key).text,
        content=shown_bytes(one.value),
        reason_name=reason_name,
        detail_words=detail_words,
        path=PATH,
    )


async def letter_bytes(visit: Visit) -> Response:
    """The record, byte for byte, as a file."""
    async with _translated():
        one = await _desk(visit).letter(whose(visit.principal), _place(visit))
    name = f"{one.place.topic}-{one.place.partition}-{one.place.offset}.bin".replace('"', "")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(one.value or b"", media_type="application/octet-stream", headers=headers)


async def retry_letters(visit: Visit) -> Response:
    """Send one dead letter, or those of a reason, again, and say what became of each."""
    form = await visit.form()
    reason, place = form.one("reason"), form.one("place")
    try:
        meant = RecordPlace.parse(place) if place else None
    except ValueError:
        raise Problem(NOT_FOUND) from None
    if meant is None and not reason:
        raise Problem(NOT_FOUND)
    async with _translated():
        done = await _desk(visit).retry(whose(visit.principal), meant, reason or None)
    sentences = [(outcome_name(one, visit.say), number) for one, number in tally(done)]
    refused = [one for one in done if one.outcome == "refused_again"][:_MOST]
    return await _list(visit, reason, done=sentences, refused=refused)


async def _list(visit: Visit, reason: str, **more: Any) -> Response:
    async with _translated():
        letters = await _desk(visit).letters(whose(visit.principal))
    chosen = [one for one in letters if reason in {"", one.reason}]
    values: dict[str, Any] = {"done": [], "refused": []} | more
    return visit.page(
        "operations/dead_letters.html",
        letters=chosen[:_MOST],
        left_off=max(0, len(chosen) - _MOST),
        reasons=counted(letters),
        reason=reason,
        reason_name=reason_name,
        detail_words=detail_words,
        refusal_words=refusal_words,
        latest=LATEST,
        all_tenants=whose(visit.principal) is None,
        path=PATH,
        **values,
    )


def _desk(visit: Visit) -> LetterDesk:
    desk: LetterDesk = visit.request.app.state.letter_desk
    return desk


def _place(visit: Visit) -> RecordPlace:
    found = visit.request.path_params
    try:
        return RecordPlace.parse(f"{found['topic']}/{found['partition']}/{found['offset']}")
    except ValueError:
        raise Problem(NOT_FOUND) from None


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except NoSuchLetter:
        raise Problem(NOT_FOUND) from None
    except ReadingTooLong as error:
        raise Problem(UNAVAILABLE, str(error)) from None
    except NotPublished as error:
        raise unavailable("Kafka") from error


_ONE: Final = f"{PATH}/{{topic}}/{{partition}}/{{offset}}"
ROUTES: Final = (
    PageRoute(PATH, show_letters, _READING_LETTERS),
    PageRoute(f"{PATH}/retry", retry_letters, CHANGING_OPERATIONS, "POST"),
    PageRoute(_ONE, show_letter, _READING_LETTERS),
    PageRoute(f"{_ONE}/bytes", letter_bytes, _READING_LETTERS),
)

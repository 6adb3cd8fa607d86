"""The stream that tells an open page when what it shows may have changed. The page then asks for itself anew."""

import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from starlette.responses import Response, StreamingResponse

from services.console.http.jobs import job_id
from services.console.http.pages import READING_SETTINGS, PageRoute
from services.console.http.visits import Visit, query_of
from services.query.handlers.watching import ChangeWatch, TooManyWatchers
from services.query.ports import ReadModelsUnavailable
from services.runtime.problems import TOO_FAST, Problem

PATH: Final = "/console/live"
_LONGEST: Final = 900.0  # seconds; then the browser connects again
_SESSION_EVERY: Final = 10  # looks between two at the session, and between two signs of life
_HEADERS: Final = {"X-Accel-Buffering": "no"}
_BEGIN: Final = b"retry: 3000\n\n"
_CHANGED: Final = b"data: changed\n\n"
_ALIVE: Final = b": alive\n\n"


async def stream_changes(visit: Visit) -> Response:
    """Server-sent events about the tenant, or about the customer, or its conversation, that the address names."""
    query = query_of(visit.request)
    named, of = query.one("customer"), query.one("of")
    watch: ChangeWatch = visit.request.app.state.watch
    customer = job_id(named) if named else None
    looks = watch.changes(visit.tenant, customer, conversation=customer is not None and of == "conversation")
    try:
        await anext(looks)  # what can't be watched is a page of an error, so the first look comes before the stream
    except TooManyWatchers as error:
        raise Problem(TOO_FAST, str(error)) from None
    return StreamingResponse(_events(visit, looks), headers=_HEADERS, media_type="text/event-stream")


async def _events(visit: Visit, looks: AsyncGenerator[bool]) -> AsyncGenerator[bytes]:
    """The stream. It ends with the session, and when the read models can't be read: the browser connects again."""
    ends_at, number = time.monotonic() + _LONGEST, 0
    yield _BEGIN
    try:
        with suppress(ReadModelsUnavailable):
            async for changed in looks:
                number += 1
                if number % _SESSION_EVERY == 0:
                    if time.monotonic() > ends_at or not await _is_signed_in(visit):
                        return
                    yield _ALIVE
                if changed:
                    yield _CHANGED
    finally:
        await looks.aclose()


async def _is_signed_in(visit: Visit) -> bool:
    return await visit.request.app.state.find_session(visit.secret) is not None


ROUTES: Final = (PageRoute(PATH, stream_changes, READING_SETTINGS),)

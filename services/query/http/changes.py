"""Changes of customers over HTTP: a page that may be waited for, or a stream of server-sent events."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from services.changes.cursor import BEGINNING, MOST_CHARACTERS, ChangeCursor
from services.changes.errors import ChangesError
from services.changes.feed import ChangeFeed
from services.changes.pages import ChangeName, FeedPage, Wanted
from services.query.core.change_models import ChangePage
from services.query.core.errors import NoStartingPoint
from services.query.http.parameters import Asking
from services.query.http.responses import LISTENED, json_answer
from services.query.ports import ReadModelsUnavailable
from services.runtime.api import keyed_router
from services.runtime.problems import unavailable

router = keyed_router("/v1/changes", "changes")

_STREAM: Final = "text/event-stream"
_LONGEST_WAIT: Final = 30.0  # seconds
_HEARTBEAT: Final = 10.0  # seconds
_LONGEST_STREAM: Final = 900.0  # seconds; then the listener connects again, with its last cursor
_PAGE: Final = 100
_RETRY: Final = b"retry: 1000\n\n"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_RESPONSES: Final = LISTENED | {
    200: {"content": {_STREAM: {"schema": {"type": "string"}}}, "description": "The changes after the cursor."}
}


async def _feed(request: Request) -> ChangeFeed:
    feed: ChangeFeed | None = request.app.state.changes
    if feed is None:
        raise unavailable("Kafka")
    return feed


async def _wanted(
    asking: Asking,
    types: Annotated[
        list[ChangeName] | None,
        Query(alias="type", max_length=20, description="only changes of these types; may be repeated"),
    ] = None,
    customer: Annotated[UUID | None, Query(description="only changes of the customer with this id")] = None,
) -> Wanted:
    return Wanted(asking.tenant, customer, None if types is None else frozenset(types))


async def _after(
    after: Annotated[
        str | None,
        Query(
            max_length=MOST_CHARACTERS,
            description="a cursor that an answer gave; `beginning` for all changes that are kept, `now` for those to "
            "come. It may be left out beside `Last-Event-ID` alone",
            examples=[BEGINNING],
        ),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="the `id` of the last event of a stream that was cut; it wins over `after`")
    ] = None,
) -> str:
    found = last_event_id or after
    if found is None:
        raise NoStartingPoint(NoStartingPoint.__doc__)
    return found


@router.get("", summary="The changes of customers", response_model=ChangePage, responses=_RESPONSES)
async def read_changes(  # noqa: PLR0913, PLR0917 - one a parameter of the request
    asking: Asking,
    feed: Annotated[ChangeFeed, Depends(_feed)],
    request: Request,
    after: Annotated[str, Depends(_after)],
    wanted: Annotated[Wanted, Depends(_wanted)],
    limit: Annotated[int, Query(ge=1, le=1000, description="most changes on the page")] = _PAGE,
    wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT, description="seconds to wait for a change")] = 0,
) -> Response:
    """What changed after a cursor, a customer's changes in their order.

    With `Accept: text/event-stream` the changes come as server-sent events as they happen: `data` is a change, `id` the
    cursor after it. Such a stream ends after a quarter of an hour; listeners connect again with `Last-Event-ID`, as
    browsers do by themselves. An answer may have no changes and a cursor that has moved all the same.
    """
    if _STREAM in request.headers.get("accept", ""):
        feed.check_room(asking.tenant)
        # What can't be given is a problem document, so the first page comes before the stream begins.
        found = await feed.next_page(await feed.begin(asking.tenant, after), wanted, min(limit, _PAGE), 0)
        events = _events(feed, wanted, found, partial(request.app.state.authenticator.still_admits, asking))
        return StreamingResponse(events, headers=_HEADERS, media_type=_STREAM)
    with feed.listening(asking.tenant):
        found = await feed.next_page(await feed.begin(asking.tenant, after), wanted, limit, wait)
    return json_answer(_json(feed, asking.tenant, *found))


def _json(feed: ChangeFeed, tenant: str, page: FeedPage, cursor: ChangeCursor) -> bytes:
    """A ChangePage; the changes are written as they are in the topic."""
    views = [
        b'{"cursor":"%b","change":%b}' % (_text(feed, tenant, cursor._replace(offsets=one.offsets)), one.value)
        for one in page.changes
    ]
    more = b"true" if page.more else b"false"
    return b'{"changes":[%b],"next":"%b","more":%b}' % (b",".join(views), _text(feed, tenant, cursor), more)


def _text(feed: ChangeFeed, tenant: str, cursor: ChangeCursor) -> bytes:
    return feed.text(tenant, cursor).encode()


async def _events(
    feed: ChangeFeed,
    wanted: Wanted,
    found: tuple[FeedPage, ChangeCursor],
    still_admitted: Callable[[], Awaitable[bool]],
) -> AsyncGenerator[bytes]:
    """The stream. It holds one page; the next one is read once the listener has taken it.

    A stream that can't go on ends: the listener connects again, and is answered with the problem.
    """
    ends_at = time.monotonic() + _LONGEST_STREAM
    yield _RETRY
    with suppress(ChangesError, ReadModelsUnavailable), feed.listening(wanted.tenant):
        while await still_admitted():
            page, cursor = found
            yield _written(feed, wanted.tenant, page, cursor)
            if feed.stopping or time.monotonic() > ends_at:
                return
            found = await feed.next_page(cursor, wanted, _PAGE, _HEARTBEAT)


def _written(feed: ChangeFeed, tenant: str, page: FeedPage, cursor: ChangeCursor) -> bytes:
    """The page's changes as events, and a comment that keeps the connection and moves the last event's id on."""
    events = [
        b"id: %b\ndata: %b\n\n" % (_text(feed, tenant, cursor._replace(offsets=one.offsets)), one.value)
        for one in page.changes
    ]
    return b"".join([*events, b": so far\nid: %b\n\n" % _text(feed, tenant, cursor)])

"""What requests hold: who asks, about which contact or customer, and which page; and the handler that answers."""

from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from pydantic import StringConstraints

from projections.as_of.cutoff import Cutoff
from projections.engine.times import read_time
from schemas.events import AccountRef, ContactRef
from services.control.auth import Authenticator, Principal, Requires
from services.query.core import cursors, references
from services.query.core.errors import AnswersAboutNow, TwoPlaces
from services.query.core.timelines import TimelineQuery
from services.query.handlers.reader import CustomerReader
from services.runtime.api import Access

_MOST_EVENTS: Final = 200
_MOST_TYPES: Final = 50
_MOST_OF_AN_ID: Final = 255  # characters of an event's id
MOST_OF_A_TIME: Final = 64  # characters
# What a request takes of its key's rate limit, where it searches, and where it reads a list or all evidence.
SEARCH_COST: Final = 10.0
LIST_COST: Final = 200.0
_TIMES: Final = frozenset({"as_of", "known_at"})


# Dependencies are coroutines, though they wait for nothing: others would each be sent to a thread and back.
async def now(request: Request) -> int:
    """The time of the application's clock, in ms; what a page shows depends on it."""
    at: int = request.app.state.clock()
    return at


async def _reader(request: Request) -> CustomerReader:
    reader: CustomerReader = request.app.state.reader
    return reader


async def _contact(
    channel: Annotated[str, Path(examples=["line"])],
    account: Annotated[str, Path(examples=["oa-taipei"])],
    uid: Annotated[str, Path(description="percent-encoded: a slash is `%2F`", examples=["Uc0ffee"])],
) -> ContactRef:
    return references.contact(channel, account, uid)


async def _account(
    channel: Annotated[str, Path(examples=["instagram"])],
    account: Annotated[str, Path(examples=["17841400000000001"])],
) -> AccountRef:
    return references.account(channel, account)


async def _timeline_query(
    limit: Annotated[int, Query(ge=1, le=_MOST_EVENTS, description="most events on the page")] = 50,
    cursor: Annotated[
        str | None,
        Query(
            max_length=cursors.MOST_CHARACTERS,
            description="`next` of a page for the older events, `previous` for the newer ones",
        ),
    ] = None,
    around: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=_MOST_OF_AN_ID,
            pattern=r"^[^\x00]+$",
            description="an event's id: the page has the event in its middle, with the events before and after it",
            examples=["line:01J9Z0"],
        ),
    ] = None,
    types: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]] | None,
        Query(alias="type", max_length=_MOST_TYPES, description="only events of these types; may be repeated"),
    ] = None,
) -> TimelineQuery:
    if cursor is None:
        return TimelineQuery(limit, types, around=around)
    if around is not None:
        raise TwoPlaces(TwoPlaces.__doc__)
    return TimelineQuery(limit, types, *cursors.read_either(cursor))


_OneTime = Annotated[str | None, Query(max_length=MOST_OF_A_TIME, examples=["2026-03-01T00:00+08:00"])]


async def _cutoff(
    as_of: Annotated[
        _OneTime,
        Query(
            description="answer what was true at this time: by the events that had occurred by then, also those that "
            "were received later. ISO 8601 with an offset, or ms since 1970",
        ),
    ] = None,
    known_at: Annotated[
        _OneTime,
        Query(
            description="answer what was known at this time: by the events that had been received by then. With both, "
            "what was known at `known_at` of `as_of`",
        ),
    ] = None,
) -> Cutoff:
    return Cutoff(*(None if text is None else read_time(text) for text in (as_of, known_at)))


async def only_now(request: Request) -> None:
    """Raise AnswersAboutNow for a time in the past, which the route would ignore otherwise."""
    if not _TIMES.isdisjoint(request.query_params):
        raise AnswersAboutNow(AnswersAboutNow.__doc__)


def _authenticator(request: Request) -> Authenticator:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator


def require(scope: str, cost: float = 1.0, *, recorded: bool = True) -> Requires:
    """The dependency of a route that needs the scope, and takes so much of the key's rate limit."""
    return Requires(Access(scope, cost, recorded), _authenticator)


ABOUT_NOW: Final = [Depends(only_now)]
# The principal of who asks: about people; with many contacts or customers read for one answer; with whole lists sent;
# about everybody, as a file;
# what changes customers, many at once;
# what erases people, which is not undone;
# and about nobody, which is not recorded.
Asking = Annotated[Principal, Depends(require("customers:read"))]
AskingMuch = Annotated[Principal, Depends(require("customers:read", SEARCH_COST))]
AskingList = Annotated[Principal, Depends(require("customers:read", LIST_COST))]
Exporting = Annotated[Principal, Depends(require("customers:export", SEARCH_COST))]
Changing = Annotated[Principal, Depends(require("customers:write"))]
ChangingMany = Annotated[Principal, Depends(require("customers:write", SEARCH_COST))]
Erasing = Annotated[Principal, Depends(require("customers:erase", SEARCH_COST))]
Downloading = Annotated[Principal, Depends(require("customers:export"))]
AskingSettings = Annotated[Principal, Depends(require("customers:read", recorded=False))]
Operating = Annotated[Principal, Depends(require("operator", recorded=False))]
AdministeringMuch = Annotated[Principal, Depends(require("admin", LIST_COST))]
Auditing = Annotated[Principal, Depends(require("audit"))]
Answering = Annotated[CustomerReader, Depends(_reader)]
Now = Annotated[int, Depends(now)]
At = Annotated[Cutoff, Depends(_cutoff)]
AccountInPath = Annotated[AccountRef, Depends(_account)]
ContactInPath = Annotated[ContactRef, Depends(_contact)]
TimelinePageQuery = Annotated[TimelineQuery, Depends(_timeline_query)]
CustomerName = Annotated[
    str,
    Path(
        description="any id ever given for the customer or a contact of it, or `contact:channel:account:uid`, "
        "`member:…`, `phone:…` or `email:…`, percent-encoded: a slash is `%2F`. A value that several customers hold, "
        "since it does not tie them together, is answered with 409 and the `candidates`",
        examples=["contact:line:oa-taipei:Uc0ffee"],
    ),
]

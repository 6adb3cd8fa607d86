"""Lists of any length in a request's body, streamed: what their routes and answers have in common."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import Request
from pydantic import NonNegativeInt

from schemas.export import Document
from services.ingress.core.events import Rejected
from services.ingress.core.list_lines import Form, NoColumns
from services.ingress.core.requests import Refused
from services.ingress.core.shares import proven
from services.ingress.handlers.list_import import MOST_REFUSED, ListImport
from services.ingress.http.body import MALFORMED_BODY, busy, stream_body
from services.ingress.http.context import Ingress, log_problem
from services.ingress.ports import LogUnavailable
from services.runtime.api import Answer, body_of
from services.runtime.budget import BudgetExceeded
from services.runtime.problems import INVALID_REQUEST, Kind, Problem

NO_ACCEPTABLE_LINE: Final = Kind("no-acceptable-line", "None of the lines is acceptable", 422)
UNSUPPORTED_LIST: Final = Kind("unsupported-list", "This form of list is not understood", 415)
# What a list of any length needs of this process's memory: a piece of it unpacked, a line, and a slice of events.
_ROOM: Final = 2_097_152
_LONGEST_KEY: Final = 255


class RefusedLine(Answer):
    """A line that became no event."""

    line: NonNegativeInt
    reason: str
    detail: str
    field: str | None = None


async def take_list(
    request: Request,
    ingress: Ingress,
    tenant: str,
    taken: ListImport,
    unfit: Kind,
    *,
    counts: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """Take a whole body; what ``counts`` gives then. ``unfit`` is the problem with a list as a whole.

    Raises a problem, also where no line became an event. It has the counts, since events may be in the log already.
    """
    with ingress.budget.lease(*proven(tenant)) as lease:
        try:
            lease.grow(_ROOM)
            await _take(request, taken, ingress.settings.campaign_body_limit, unfit)
        except BudgetExceeded:
            raise busy() from None
        except Problem as problem:
            problem.fields.update(counts())
            raise
    if not taken.accepted:
        raise Problem(NO_ACCEPTABLE_LINE, **counts())
    return counts()


async def _take(request: Request, taken: ListImport, limit: int, unfit: Kind) -> None:
    try:
        async for piece in stream_body(request, limit):
            await taken.take(piece)
        if not await taken.finish():
            raise Problem(MALFORMED_BODY, "the list is empty", reason="empty")
    except Refused as refusal:
        field: dict[str, Any] = {"field": refusal.field} if refusal.field else {}
        raise Problem(unfit, refusal.detail, reason=refusal.reason, **field) from None
    except NoColumns as error:
        raise Problem(unfit, str(error), reason="no_columns") from None
    except LogUnavailable as error:
        raise log_problem(error) from error


def counts_of(taken: ListImport) -> dict[str, Any]:
    """How many lines are events in the log, and the first of those that are none."""
    refusals = taken.refusals
    return {
        "accepted": taken.accepted,
        "rejected": refusals.count,
        "refused": [_refused(one) for one in refusals.first],
        "refused_left_off": max(0, refusals.count - MOST_REFUSED),
    }


def _refused(outcome: Rejected) -> dict[str, Any]:
    field: dict[str, Any] = {"field": outcome.field} if outcome.field else {}
    return {"line": outcome.index, "reason": outcome.reason, "detail": outcome.detail, **field}


def described_bodies(forms: Mapping[str, Form], descriptions: Mapping[Form, str]) -> Document:
    """The ``openapi_extra`` of a route that takes a list in any of the forms, by media type."""
    binary = {"application/octet-stream": {"format": "binary"}}
    return body_of(
        {
            kind: {"type": "string", "description": descriptions[form]} | binary.get(kind, {})
            for kind, form in forms.items()
        }
    )


def form_of(request: Request, forms: Mapping[str, Form]) -> Form:
    """The form of the list that is sent. Raises a 415 problem."""
    form = forms.get(request.headers.get("content-type", "").partition(";")[0].strip().lower())
    if form is None:
        raise Problem(UNSUPPORTED_LIST, f"send the list as one of {', '.join(forms)}")
    return form


def idempotency_key(request: Request) -> str | None:
    """The caller's name of this request. Raises a 422 problem."""
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _LONGEST_KEY:
        raise Problem(INVALID_REQUEST, f"an Idempotency-Key has 1 to {_LONGEST_KEY} characters")
    return key

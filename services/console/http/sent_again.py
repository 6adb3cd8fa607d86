"""A form that could not be taken: what was typed is kept on the page that says why, and can be sent again."""

from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from services.console.http.visits import TOKEN_FIELD, SentFields, Visit
from services.runtime.problems import Problem

_OF_FORMS: Final = "application/x-www-form-urlencoded"
_PASSING: Final = frozenset({429, 500, 503})  # what may be over by the next time


def is_kept(visit: Visit) -> bool:
    """Whether a page can hold what was sent: no file, and no part of a page."""
    headers = visit.request.headers
    is_form = headers.get("content-type", "").startswith(_OF_FORMS)
    return visit.request.method == "POST" and is_form and "hx-request" not in headers


def ask_again(visit: Visit, form: SentFields) -> Response:
    """The page for a form that was shown before its session ended. A person sends it, with the new session's token."""
    signed_in = visit.session is not None
    fields = [(name, value) for name, value in form.pairs() if name != TOKEN_FIELD]
    return visit.page("sent_again.html", 403 if signed_in else 401, fields=fields)


async def fields_to_repeat(visit: Visit, status: int) -> list[tuple[str, str]]:
    """The fields of a form whose answer is an error that may pass; none where they can't be had."""
    if status not in _PASSING or not is_kept(visit):
        return []
    try:
        return (await visit.sent_form()).pairs()
    except (Problem, ClientDisconnect):
        return []

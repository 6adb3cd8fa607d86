"""The routes of pages: who may see each, what is answered to those who may not, and the headers of every answer."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from services.console.core.problem_details import problem_words
from services.console.core.roles import ConsoleRole, least_role
from services.console.http.sent_again import ask_again, fields_to_repeat, is_kept
from services.console.http.sign_in_page import SIGN_IN, sign_in_page
from services.console.http.visits import SESSION_COOKIE, FormOfEarlierSession, Visit, query_of, redirect
from services.control.console_sessions import ConsoleSession
from services.ingress.http.context import log_problem
from services.ingress.ports import LogUnavailable
from services.query.http.parameters import now
from services.query.http.responses import PROBLEMS
from services.runtime.api import Access, refuse_unstorable_names
from services.runtime.broker import BROKER_ERRORS
from services.runtime.database import is_unavailable
from services.runtime.http import EncodedPath, RawRoute
from services.runtime.problems import FORBIDDEN, INTERNAL, NOT_FOUND, Problem, unavailable

log = structlog.get_logger(__name__)

PageEndpoint = Callable[[Visit], Awaitable[Response]]
FindSession = Callable[[str], Awaitable[ConsoleSession | None]]

# Scripts, styles and pictures come from this service alone, none of them from within a page.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
READING: Final = Access("customers:read")
READING_SETTINGS: Final = Access("customers:read", recorded=False)


class PageRoute(EncodedPath, RawRoute):
    """A page. ``access`` is None for those that need no session; ``role`` is the least one that may see it.

    The role is one that the scope is enough for, unless a higher one is given.
    """

    def __init__(
        self,
        path: str,
        endpoint: PageEndpoint,
        access: Access | None,
        method: str = "GET",
        *,
        role: ConsoleRole | None = None,
    ) -> None:
        super().__init__(path, partial(_serve, endpoint, access, role), methods=[method], name=endpoint.__name__)
        self.access, self.role = access, role
        self.unique_id = f"console_{endpoint.__name__}"  # what the audit trail calls it


async def visit_of(request: Request) -> Visit:
    """A request with its session, if it has one."""
    secret = request.cookies.get(SESSION_COOKIE, "")
    find: FindSession = request.app.state.find_session
    return Visit(request, await find(secret) if secret else None, secret, await now(request))


async def _serve(endpoint: PageEndpoint, access: Access | None, role: ConsoleRole | None, request: Request) -> Response:
    visit = Visit(request, None, "", 0)
    try:
        visit = await visit_of(request)
        response = await _answer(endpoint, access, role, visit)
    except Exception as error:  # a reader gets a page that says what to do, whatever went wrong
        away = is_unavailable(error)
        if not away:
            log.exception("page_failed", page=endpoint.__name__)
        response = await _error(visit, unavailable("PostgreSQL") if away else Problem(INTERNAL))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")  # it is about people
    return response


async def _answer(endpoint: PageEndpoint, access: Access | None, role: ConsoleRole | None, visit: Visit) -> Response:
    try:
        if access is not None:
            if visit.session is None:
                return await _sign_in_first(visit)
            visit.request.app.state.authenticator.permit(visit.request, visit.principal, access)
            _require_role(visit, role)
        refuse_unstorable_names(visit.request)
        return await endpoint(visit)
    except FormOfEarlierSession as early:
        return ask_again(visit, early.form) if is_kept(visit) else await _error(visit, early)
    except Problem as problem:
        return await _error(visit, problem, role)
    except (*BROKER_ERRORS, LogUnavailable) as error:
        return await _error(visit, log_problem(error))
    except tuple(PROBLEMS) as error:
        return await _error(visit, next(make(error) for kind, make in PROBLEMS.items() if isinstance(error, kind)))


def _require_role(visit: Visit, role: ConsoleRole | None) -> None:
    if role is not None and not visit.has_role(role):
        raise Problem(FORBIDDEN, role=role)


async def _sign_in_first(visit: Visit) -> Response:
    if visit.request.headers.get("hx-request"):  # the whole page has to go there, not a part of it
        return Response(status_code=204, headers={"HX-Redirect": SIGN_IN})
    if visit.request.method != "GET":
        return ask_again(visit, await visit.sent_form()) if is_kept(visit) else redirect(SIGN_IN)
    query = visit.request.url.query
    going_on = visit.request.url.path + (f"?{query}" if query else "")
    return await sign_in_page(visit, 401, next=going_on)


async def _error(visit: Visit, problem: Problem, role: ConsoleRole | None = None) -> Response:
    status, fields = problem.kind.status, problem.fields
    needed = (role or least_role(fields["scope"])) if "scope" in fields else fields.get("role")
    detail = problem_words(problem.detail, visit.say) if problem.detail and not needed else None
    # A part of a page is replaced by a sentence, and the rest of the page stays as it was.
    template = "error_part.html" if visit.request.headers.get("hx-request") else "error.html"
    again = await fields_to_repeat(visit, status)
    response = visit.page(template, status, number=status, detail=detail, needed=needed, again=again)
    response.headers.update(problem.headers or {})
    return response


async def missing(visit: Visit) -> Response:
    """Any address of the console that is none of a page, or of none that takes what was sent."""
    query_of(visit.request)
    raise Problem(NOT_FOUND)

"""``POST /v1/contacts/{channel}/{account}/{uid}/…``: what the team does to a contact. Each only appends events."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, get_args

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from schemas.events import ContactRef
from services.ingress.core.contact_commands import Command
from services.ingress.core.events import Rejected, RequestContext
from services.ingress.handlers.record_members import take_command
from services.ingress.http.body import MALFORMED_BODY
from services.ingress.http.context import Ingress, body_of, idempotency_key, log_problem, now, taken
from services.ingress.ports import LogUnavailable
from services.runtime.http import EncodedRawRoute, RawRoute
from services.runtime.problems import NOT_FOUND, Kind, Problem

NO_COMMAND: Final = Kind("no-command", "This is nothing that can be done", 422)
COMMANDS: Final[tuple[Command, ...]] = get_args(Command)
PATH: Final = "/v1/contacts/{channel}/{account}/{uid}"


def contact_command_routes() -> list[RawRoute]:
    """The routes of commands."""
    return [
        EncodedRawRoute(f"{PATH}/{command}".replace("{uid}", "{uid:path}"), _handler(command), methods=["POST"])
        for command in COMMANDS
    ]


def _handler(command: Command) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        return await _do(command, request)

    return handle


async def _do(command: Command, request: Request) -> Response:
    ingress: Ingress = request.app.state.ingress
    principal = await ingress.authenticator.principal(request.headers.get("authorization"), "customers:write")
    contact, key = _contact(request), idempotency_key(request)
    with ingress.budget.lease() as lease:
        body = await body_of(request, ingress, lease)
        context = RequestContext(principal.tenant, now(), may_set_tenant=False)
        try:
            outcome = await take_command(command, contact.model_dump(), body, context, key, ingress.log)
        except LogUnavailable as error:
            raise log_problem(error) from error
    if isinstance(outcome, Rejected):
        raise _refused(outcome)
    return await taken(request, ingress, principal.tenant, [outcome], event_ids=outcome.event_ids)


def _contact(request: Request) -> ContactRef:
    try:
        return ContactRef.model_validate({name: request.path_params[name] for name in ("channel", "account", "uid")})
    except ValidationError:
        raise Problem(NOT_FOUND, "there is no such contact: the channel, the account or the uid is not one") from None


def _refused(outcome: Rejected) -> Problem:
    if outcome.reason == "not_json" and not outcome.field:
        return Problem(MALFORMED_BODY, outcome.detail)
    field: dict[str, Any] = {"field": outcome.field} if outcome.field else {}
    return Problem(NO_COMMAND, outcome.detail, reason=outcome.reason, **field)

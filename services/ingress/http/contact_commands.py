"""``POST /v1/contacts/{channel}/{account}/{uid}/…``: commands about a contact. Each only appends events."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path
from pydantic import ValidationError
from starlette.responses import Response

from schemas.events import ContactRef
from services.ingress.core.contact_commands import BODIES, Command
from services.ingress.core.events import Rejected
from services.ingress.handlers.record_members import take_command
from services.ingress.http.context import (
    COMMAND_PROBLEMS,
    Body,
    CustomerWriter,
    Held,
    IdempotencyKey,
    Serving,
    Wait,
    checked_context,
    visible,
    warned,
)
from services.ingress.http.identity import refused
from services.ingress.http.warnings import WarningAnswer
from services.runtime.api import body_of, keyed_router, problem_responses
from services.runtime.problems import INVALID_REQUEST, NOT_FOUND, Kind, Problem

NO_COMMAND: Final = Kind("no-command", "This is nothing that can be done", 422)
_SUMMARIES: Final[dict[Command, str]] = {
    "unsubscribe": "Opt a contact out of marketing",
    "resubscribe": "Opt a contact in to marketing",
    "tags": "Tag a contact, and take tags away",
    "attributes": "Set and unset a contact's attributes",
    "unbind": "Undo what ties a contact to others",
}

router: Final[APIRouter] = keyed_router("/v1/contacts/{channel}/{account}", "contacts")


class EventsReceipt(WarningAnswer):
    """The events that are in the log; ``visible`` tells whoever waited whether readers see them."""

    event_ids: list[str]
    visible: bool | None = None


async def _contact(
    channel: Annotated[str, Path(examples=["line"])],
    account: Annotated[str, Path(description="The brand's side of the channel.", examples=["oa-taipei"])],
    uid: Annotated[str, Path(description="Percent-encoded: a slash is `%2F`.", examples=["Uc0ffee"])],
) -> ContactRef:
    try:
        return ContactRef(channel=channel, account=account, uid=uid)  # type: ignore[arg-type]  # it is validated here
    except ValidationError:
        raise Problem(NOT_FOUND, "there is no such contact: the channel, the account or the uid is not one") from None


def _endpoint(command: Command) -> Callable[..., Awaitable[Response]]:
    async def post_command(
        ingress: Serving,
        principal: CustomerWriter,
        contact: Annotated[ContactRef, Depends(_contact)],
        lease: Held,
        body: Body,
        *,
        key: IdempotencyKey = None,
        wait: Wait = False,
    ) -> Response:
        """An event of now in the log; `202` means that Kafka, with acks=all, has it."""
        context = await checked_context(ingress, principal)
        outcome = await take_command(command, contact.model_dump(), body, context, key, ingress.log)
        if isinstance(outcome, Rejected):
            raise refused(outcome, NO_COMMAND)
        seen = await visible(ingress, lease, principal.tenant, [outcome], wait=wait)
        warnings = await warned(ingress, principal.tenant, [outcome])
        return EventsReceipt(event_ids=list(outcome.event_ids), visible=seen, **warnings).response(202)

    return post_command


for _command, _model in BODIES.items():
    router.add_api_route(
        f"/{{uid:path}}/{_command}",
        _endpoint(_command),
        methods=["POST"],
        name=f"post_contact_{_command}",
        summary=_SUMMARIES[_command],
        status_code=202,
        response_model=EventsReceipt,
        responses=COMMAND_PROBLEMS | problem_responses(NO_COMMAND, INVALID_REQUEST),
        openapi_extra=body_of({"application/json": _model}, required=False),
    )

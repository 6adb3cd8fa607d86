"""May I send? Over HTTP: about one contact, or about a list of them."""

from collections.abc import AsyncIterator, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Final

from fastapi import Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from projections.quota.sending import SendPurpose
from services.query.core.send_models import MOST_LINES, ContactLines, SendAnswer
from services.query.handlers.sending import SendChecks
from services.query.http.parameters import ABOUT_NOW, Asking, AskingList, ContactInPath
from services.query.http.responses import SPANNED, answer
from services.runtime.api import body_of, keyed_router

router = keyed_router("/v1", "read")

_LINES: Final = "application/x-ndjson"
_IN_MEMORY: Final = 1_048_576  # bytes of answers; more are kept in a file until the list ends
_PIECE: Final = 65_536
_LIST: Final = {
    "type": "string",
    "description": "One contact a line: its key as a string, or an object with its key as `contact`. At most "
    f"{MOST_LINES:,} lines.",
}


async def _checks(request: Request) -> SendChecks:
    checks: SendChecks = request.app.state.sending
    return checks


Checking = Annotated[SendChecks, Depends(_checks)]
AskedPurpose = Annotated[SendPurpose, Query(description="what the message is for")]


@router.get(
    "/contacts/{channel}/{account}/{uid:path}/may-send",
    summary="Whether a message may be sent to a contact",
    response_model=SendAnswer,
    responses=SPANNED,
    dependencies=ABOUT_NOW,
)
async def read_may_send(asking: Asking, checks: Checking, contact: ContactInPath, purpose: AskedPurpose) -> Response:
    """Yes, or no with every reason. A contact that is not known is a reason too, and no 404.

    Marketing needs a subscription, no opt-out of its kind and a place within the quota. A conversation, the bot and a
    welcome are sent without these, but not to those who blocked the account.
    """
    return answer(await checks.check_one(asking.tenant, contact, purpose))


@router.post(
    "/may-send",
    summary="Whether messages may be sent to many contacts",
    responses=SPANNED
    | {
        200: {
            "description": "An answer a line, in the order of the list.",
            "content": {_LINES: {"schema": {"type": "string"}}},
        }
    },
    response_class=Response,
    dependencies=ABOUT_NOW,
    openapi_extra=body_of({_LINES: _LIST, "application/octet-stream": _LIST | {"format": "binary"}}),
)
async def check_list(asking: AskingList, checks: Checking, purpose: AskedPurpose, request: Request) -> Response:
    """The same of a list, line by line. Nothing is answered before the list has ended: so a refusal is a problem."""
    kept = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed once it is sent
    try:
        async for answers in checks.check_all(asking.tenant, _contacts(request), purpose):
            kept.write(b"".join(one.model_dump_json().encode() + b"\n" for one in answers))
    except BaseException:
        kept.close()
        raise
    kept.seek(0)
    return StreamingResponse(_pieces(kept), media_type=_LINES, headers={"Cache-Control": "no-store"})


async def _contacts(request: Request) -> AsyncIterator[Iterable[str]]:
    lines = ContactLines()
    async for piece in request.stream():
        yield lines.feed(piece)
    yield lines.finish()


def _pieces(kept: IO[bytes]) -> Iterator[bytes]:
    with kept:
        while piece := kept.read(_PIECE):
            yield piece

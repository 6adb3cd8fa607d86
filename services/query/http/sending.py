"""May I send? Over HTTP: about one contact, or about a list of them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import suppress
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, Final

import orjson
from fastapi import Depends, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from projections.quota.sending import SendPurpose
from services.query.core.errors import UnreadableList
from services.query.core.send_models import MOST_LINES, ContactLines, SendAnswer
from services.query.handlers.sending import SendChecks
from services.query.http.parameters import ABOUT_NOW, Asking, AskingList, ContactInPath
from services.query.http.responses import PROBLEMS, SPANNED, answer
from services.query.ports import ReadModelsUnavailable
from services.runtime.api import body_of, keyed_router
from services.runtime.cancelling import cancel_all
from services.runtime.problems import document

router = keyed_router("/v1", "read")

_LINES: Final = "application/x-ndjson"
_IN_MEMORY: Final = 1_048_576  # bytes of answers that nobody has read yet; more are kept in a file
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
            "description": "An answer a line, in the order of the list, while the list arrives. A last line without "
            "`contact` is the problem that ended them.",
            "content": {_LINES: {"schema": {"type": "string"}}},
        }
    },
    response_class=Response,
    dependencies=ABOUT_NOW,
    openapi_extra=body_of({_LINES: _LIST, "application/octet-stream": _LIST | {"format": "binary"}}),
)
async def check_list(asking: AskingList, checks: Checking, purpose: AskedPurpose, request: Request) -> Response:
    """The same of a list, line by line, answered while the list arrives.

    What can't be read before the first answer is a problem; what can't be read later ends the answers with a last line,
    the problem document. No answer waits for its reader before the list has arrived: so whoever sends all before
    reading anything is answered, too.
    """
    answers = checks.check_all(asking.tenant, _contacts(request), purpose)
    kept = _Kept(_lines(await anext(answers, [])))
    return _WhileSending(kept.pieces(_fill(kept, answers)), media_type=_LINES, headers={"Cache-Control": "no-store"})


class _WhileSending(StreamingResponse):
    """An answer that begins before the request has ended: nothing else may read from the connection meanwhile."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - Starlette's
        """Send the pieces."""
        await self.stream_response(send)


async def _contacts(request: Request) -> AsyncIterator[Iterable[str]]:
    lines, more = ContactLines(), True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        piece, more = message.get("body", b""), message.get("more_body", False)
        yield lines.feed(piece) if more else chain(lines.feed(piece), lines.finish())


class _Kept:
    """Answers that wait to be sent: in a file where they are many."""

    def __init__(self, first: bytes) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - `pieces` closes it
        self._written = self._file.write(first)
        self._more = asyncio.Event()

    def keep(self, lines: bytes) -> None:
        """Have these lines sent, too."""
        self._file.seek(self._written)
        self._written += self._file.write(lines)
        self._more.set()

    async def pieces(self, filling: Coroutine[Any, Any, None]) -> AsyncIterator[bytes]:
        """What is kept, until ``filling`` has ended. What that raises is raised once all is sent."""
        sent, filled = 0, asyncio.create_task(filling)
        filled.add_done_callback(lambda _: self._more.set())
        try:
            while sent < self._written or not filled.done():
                self._more.clear()
                self._file.seek(sent)
                if piece := self._file.read(_PIECE):
                    sent += len(piece)
                    yield piece
                else:
                    await self._more.wait()
            await filled
        finally:
            await cancel_all(filled)
            self._file.close()


async def _fill(kept: _Kept, answers: AsyncIterator[list[SendAnswer]]) -> None:
    try:
        with suppress(ClientDisconnect):
            async for some in answers:
                kept.keep(_lines(some))
    except (UnreadableList, ReadModelsUnavailable) as error:
        problem = PROBLEMS[type(error)](error)
        kept.keep(orjson.dumps(document(problem.kind, problem.detail)) + b"\n")


def _lines(answers: Iterable[SendAnswer]) -> bytes:
    return b"".join(one.model_dump_json().encode() + b"\n" for one in answers)

"""Dead letters over HTTP: a tenant's administrators see and retry the tenant's own, an operator all of them."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, FastAPI, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from services.control.auth import OPERATOR, Principal, Requires, permits
from services.runtime.api import COMMON_PROBLEMS, Access, Answer, keyed_router, problem_responses
from services.runtime.application import Service
from services.runtime.broker import BROKER_ERRORS
from services.runtime.problems import BAD_REQUEST, INVALID_REQUEST, NOT_FOUND, UNAVAILABLE, Problem, unavailable
from services.runtime.publishing import NotPublished
from services.runtime.settings import Settings
from services.verify.dead_letters import RecordPlace, RefusedRecord
from services.verify.letter_desk import LATEST, MOST_RETRIED, LetterDesk, NoSuchLetter, ReadingTooLong, counted

COST: Final = 50.0  # of the key's rate limit: the topic is read
_MOST: Final = 500
_NEVER_STORED: Final = {"Cache-Control": "no-store"}


class DeadLetterShown(Answer):
    """A record that workers set aside, by the place where it lies."""

    topic: str
    partition: int
    offset: int
    tenant: str = Field(description="By the record's key; empty if that has another form.")
    reason: str
    detail: str
    field: str
    sent_at: int = Field(description="When it was set aside last, in ms.")
    times: int
    sent_again_as: str | None = Field(None, description="Where it lies since it was sent again.")


class DeadLetterWithValue(DeadLetterShown):
    """The same with the record as it came. It may have personal data."""

    key: str
    value: str | None = Field(None, description="The bytes in base64, if there are any.")
    left_out: bool = Field(description="Whether the value is missing since Kafka refused its size.")


class ReasonCount(Answer):
    """How many dead letters have a reason."""

    reason: str
    letters: int
    sent_again: int


class DeadLetterList(Answer):
    """Dead letters, the latest first, and how many there are of each reason, among the latest records of the topic."""

    dead_letters: list[DeadLetterShown]
    reasons: list[ReasonCount]


class RetryOrder(Answer):
    """Which dead letters are sent again: one, by its place, or those of a reason."""

    place: Annotated[str | None, Field(max_length=300, examples=["onefold.channel-events/3/17"])] = None
    reason: Annotated[str | None, Field(min_length=1, max_length=100)] = None


class RetriedLetter(Answer):
    """What became of one: ``detail`` is where it lies now, or why it would be refused again."""

    place: str
    outcome: str = Field(examples=["sent_again", "sent_before", "refused_again"])
    detail: str


class RetryOutcomes(Answer):
    """What became of each. More of the reason may be left: ask again."""

    outcomes: list[RetriedLetter]


router: Final[APIRouter] = keyed_router("/v1/dead-letters", "operations")
_RESPONSES: Final = COMMON_PROBLEMS
_RETRIED: Final = COMMON_PROBLEMS | problem_responses(BAD_REQUEST, INVALID_REQUEST)
_ACCESS: Final = Requires(Access("admin", COST), lambda request: request.app.state.authenticator)


async def _desk(request: Request) -> LetterDesk:
    desk: LetterDesk = request.app.state.letter_desk
    return desk


async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (*BROKER_ERRORS, OSError, NotPublished) as error:
        raise unavailable("Kafka") from error
    except NoSuchLetter as error:
        raise Problem(NOT_FOUND, str(error)) from None
    except ReadingTooLong as error:
        raise Problem(UNAVAILABLE, str(error), headers={"Retry-After": "10"}) from None


router.dependencies.append(Depends(_translated))
AskingForLetters = Annotated[Principal, Depends(_ACCESS)]
Letters = Annotated[LetterDesk, Depends(_desk)]


@router.get("", summary="Dead letters", response_model=DeadLetterList, responses=_RESPONSES)
async def list_dead_letters(
    admin: AskingForLetters,
    desk: Letters,
    reason: Annotated[str | None, Query(max_length=100, description="only those with this reason")] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="most dead letters")] = 50,
) -> Response:
    """The tenant's own; with the scope `operator`, those of every tenant."""
    letters = await desk.letters(whose(admin))
    chosen = [one for one in letters if reason in {None, one.reason}][:limit]
    reasons = [ReasonCount(**one._asdict()) for one in counted(letters)]
    return _json(DeadLetterList(dead_letters=[_shown(one) for one in chosen], reasons=reasons))


@router.get(
    "/{topic}/{partition}/{offset}",
    summary="A dead letter with its bytes",
    response_model=DeadLetterWithValue,
    responses=_RESPONSES,
)
async def read_dead_letter(
    admin: AskingForLetters,
    desk: Letters,
    topic: Annotated[str, Path(max_length=255)],
    partition: Annotated[int, Path(ge=0)],
    offset: Annotated[int, Path(ge=0)],
) -> Response:
    """The record that was refused, byte for byte, and why."""
    found = await desk.letter(whose(admin), RecordPlace(topic, partition, offset))
    value = None if found.value is None else b64encode(found.value).decode()
    key = (found.key or b"").decode("utf-8", "replace")
    return _json(DeadLetterWithValue(**_shown(found).model_dump(), key=key, value=value, left_out=found.left_out))


@router.post(
    "/retry",
    summary="Send dead letters again",
    description=f"Byte for byte, to the topic that they came from, if this version takes them; at most {MOST_RETRIED} "
    f"of the latest {LATEST:,} at once. One that would be refused again, or was sent before, is not sent.",
    response_model=RetryOutcomes,
    responses=_RETRIED,
)
async def retry_dead_letters(admin: AskingForLetters, desk: Letters, order: Annotated[RetryOrder, Body()]) -> Response:
    """Name one place, or a reason."""
    if (order.place is None) == (order.reason is None):
        raise Problem(INVALID_REQUEST, "name one place, or a reason")
    try:
        place = None if order.place is None else RecordPlace.parse(order.place)
    except ValueError:
        raise Problem(INVALID_REQUEST, "a place is TOPIC/PARTITION/OFFSET") from None
    done = await desk.retry(whose(admin), place, order.reason)
    return _json(RetryOutcomes(outcomes=[RetriedLetter(**one.as_dict()) for one in done]))


def whose(principal: Principal) -> str | None:
    """The tenant whose dead letters may be seen; None for those of every tenant."""
    return None if permits(principal.scopes, OPERATOR) else principal.tenant


def letters_service(settings: Settings) -> Service:
    """The routes of dead letters, for an application that has the query service as well."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.letter_desk = LetterDesk(settings)
        yield

    return Service([router], lifespan, {})


def _shown(one: RefusedRecord) -> DeadLetterShown:
    return DeadLetterShown(**one.as_dict())


def _json(shape: Answer) -> Response:
    return shape.response(200, _NEVER_STORED)

"""Sources over HTTP, for a tenant's administrators. Another tenant's source is answered with 404."""

from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.responses import Response

from schemas.refusals import refusals
from services.control import sources
from services.control.errors import (
    ControlError,
    InvalidName,
    NameTaken,
    StillUsed,
    TooBusy,
    UnknownKey,
    UnknownSite,
    UnknownSource,
)
from services.control.sites import connect_site
from services.control.source_activity import activity_of
from services.control.sources import Source, disabled, enabled, own_source
from services.control.write_keys import add_write_key, list_write_keys, revoke_write_key
from services.ingress.core.source_health import health_of
from services.ingress.handlers.doctor import examine_within, tested_source
from services.ingress.http.body import CUT_OFF, MALFORMED_BODY, read_body
from services.ingress.http.context import Administrator, Held, Ingress, Serving
from services.ingress.http.source_shapes import (
    ChangedSource,
    CheckFinding,
    NewSecret,
    NewSource,
    NewWriteKey,
    SiteShown,
    SourceChecked,
    SourceHealthShown,
    SourceList,
    SourceShown,
    WriteKeyList,
    WriteKeyShown,
    health_shown,
    shown,
    shown_with_credentials,
    shown_with_key,
    write_key_shown,
)
from services.ingress.ports import LogUnavailable
from services.runtime.api import COMMON_PROBLEMS, body_of, keyed_router, problem_responses
from services.runtime.database import is_transient
from services.runtime.problems import (
    INVALID_REQUEST,
    NAME_TAKEN,
    NOT_FOUND,
    SLOW_BODY,
    TOO_LARGE,
    UNAVAILABLE,
    Kind,
    Problem,
    unavailable,
)

M = TypeVar("M", bound=BaseModel)

STILL_USED: Final = Kind("still-used", "Something still refers to it", 409)
_LARGEST: Final = 65_536
_NEVER_STORED: Final = {"Cache-Control": "no-store"}
_RETRY: Final = {"Retry-After": "1"}
_WITH_BODY: Final = COMMON_PROBLEMS | problem_responses(MALFORMED_BODY, CUT_OFF, SLOW_BODY, TOO_LARGE)
_LOGGED: Final = (
    "It is an event in the log, too: on `503` the change may be kept without it, and sending the same again "
    "completes it."
)


async def _translated() -> AsyncIterator[None]:
    """Raises what the control plane and the log raise as problems."""
    try:
        yield
    except ControlError as error:
        raise _problem(error) from None
    except LogUnavailable as error:
        raise Problem(
            UNAVAILABLE, "Kafka is away, so the log has no event of the change: send the same again", headers=_RETRY
        ) from error
    except Exception as error:
        if is_transient(error):
            raise unavailable("PostgreSQL") from error
        raise


def _body(shape: type[M], empty: bytes = b"") -> Callable[..., Awaitable[M]]:
    """A dependency: the body as the shape, whatever its content type says; ``empty`` stands for one of no bytes."""

    async def read(request: Request, ingress: Serving, lease: Held) -> M:
        body = await read_body(request, min(_LARGEST, ingress.settings.body_limit), lease)
        raw = body.removeprefix(BOM_UTF8) or empty
        try:
            return shape.model_validate_json(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            raise Problem(MALFORMED_BODY, "the body is no JSON")
        errors = [{"field": one.place or "body", "message": one.why} for one in refusals(found, from_json(raw))]
        raise Problem(INVALID_REQUEST, errors=errors)

    return read


router: Final[APIRouter] = keyed_router("/v1/sources", "sources")
router.dependencies.append(Depends(_translated))
Name = Annotated[str, Path(description="The source's name.")]


@router.get("", summary="The tenant's sources", response_model=SourceList, responses=COMMON_PROBLEMS)
async def list_sources(ingress: Serving, admin: Administrator) -> Response:
    """All of them, by name. Needs a key with the scope `admin`, as the routes below."""
    found = await sources.list_sources(ingress.engine, admin.tenant)
    return _json(SourceList(sources=[shown(source, ingress.settings.public_url) for source in found]))


@router.post(
    "",
    summary="Connect a channel's account",
    description=f"Its name is unique among all tenants, since webhooks come to it. {_LOGGED}",
    status_code=201,
    response_model=SiteShown,
    responses=_WITH_BODY | problem_responses(NAME_TAKEN),
    openapi_extra=body_of({"application/json": NewSource}),
)
async def post_source(
    ingress: Serving, admin: Administrator, new: Annotated[NewSource, Depends(_body(NewSource))]
) -> Response:
    """Connect the source; a website gets its write keys and a login secret, which are shown this once."""
    wanted = new.wanted(admin.tenant)
    if new.channel != "web":
        return _shown(await ingress.source_service.connect(wanted), ingress, 201)
    made = await connect_site(ingress.engine, ingress.settings.master_key, wanted)
    try:
        site = await ingress.source_service.enable(wanted.source, wanted.tenant)
    except LogUnavailable:
        # Its keys can't be shown again, so sending the same again has to make new ones.
        await sources.remove_source(ingress.engine, await own_source(ingress.engine, wanted.source, wanted.tenant))
        raise
    return _json(shown_with_credentials(site, ingress.settings.public_url, made), 201)


@router.get("/{source}", summary="A source", response_model=SourceShown, responses=COMMON_PROBLEMS)
async def get_source(ingress: Serving, admin: Administrator, source: Name) -> Response:
    """A source of the tenant's, without its secrets."""
    return _shown(await own_source(ingress.engine, source, admin.tenant), ingress)


@router.get(
    "/{source}/health",
    summary="What comes from a source",
    response_model=SourceHealthShown,
    responses=COMMON_PROBLEMS,
)
async def get_source_health(ingress: Serving, admin: Administrator, source: Name) -> Response:
    """The last event, events by hour, and what was refused."""
    found = await own_source(ingress.engine, source, admin.tenant)
    activity = await activity_of(ingress.engine, admin.tenant)
    health = health_of(found.source, activity, datetime.now(UTC), disabled=found.disabled_at is not None)
    return _json(health_shown(health))


@router.post(
    "/{source}/check",
    summary="Test a source by signed calls that contain no events",
    response_model=SourceChecked,
    responses=COMMON_PROBLEMS,
)
async def check_source(request: Request, ingress: Serving, admin: Administrator, source: Name) -> Response:
    """What `onefold sources doctor` tests, from within this process; only the channel can tell the rest."""
    found = await own_source(ingress.engine, source, admin.tenant)
    findings = await examine_within(request.app, tested_source(found, ingress.settings.master_key))
    return _json(SourceChecked(findings=[CheckFinding(**asdict(one)) for one in findings]))


@router.put(
    "/{source}",
    summary="Change, disable or enable a source",
    description=f"All that may be changed. The channel may not: connect another source. {_LOGGED}",
    response_model=SourceShown,
    responses=_WITH_BODY,
    openapi_extra=body_of({"application/json": ChangedSource}),
)
async def put_source(
    ingress: Serving,
    admin: Administrator,
    source: Name,
    changed: Annotated[ChangedSource, Depends(_body(ChangedSource))],
) -> Response:
    """Set all that may be changed."""

    def change(before: Source) -> Source:
        options = changed.options(before.options.signed_logins)
        after = replace(before, account=changed.account, provider=changed.provider, options=options)
        return disabled(after) if changed.disabled else enabled(after)

    token = changed.token()
    return _shown(await ingress.source_service.change(source, admin.tenant, change, verify_token=token), ingress)


@router.delete(
    "/{source}",
    summary="Remove a source",
    description=f"The source and its secrets; what it brought in stays. {_LOGGED}",
    status_code=204,
    responses=COMMON_PROBLEMS | problem_responses(STILL_USED),
)
async def delete_source(ingress: Serving, admin: Administrator, source: Name) -> Response:
    """Disable the source, then forget it."""
    await ingress.source_service.remove(source, admin.tenant)
    return Response(status_code=204)


@router.post(
    "/{source}/secrets",
    summary="Replace a source's secret",
    description="While a secret is being replaced, webhooks, or a website's logins, may be signed with either: add the "
    "new one here, change it in the channel's console, or on the website's server, then drop the old one with "
    f"`keep: 1` and no secret. {_LOGGED}",
    response_model=SourceShown,
    responses=_WITH_BODY,
    openapi_extra=body_of({"application/json": NewSecret}),
)
async def post_source_secret(
    ingress: Serving, admin: Administrator, source: Name, new: Annotated[NewSecret, Depends(_body(NewSecret))]
) -> Response:
    """Add the secret, and keep the newest ones."""
    secret = new.secret.get_secret_value().encode() if new.secret else None
    return _shown(await ingress.source_service.rotate(source, admin.tenant, secret, keep=new.keep), ingress)


@router.get(
    "/{source}/write-keys",
    summary="A website's write keys",
    response_model=WriteKeyList,
    responses=COMMON_PROBLEMS,
)
async def get_source_write_keys(ingress: Serving, admin: Administrator, source: Name) -> Response:
    """As much of them as is kept, oldest first, including revoked ones."""
    found = await own_source(ingress.engine, source, admin.tenant)
    keys = await list_write_keys(ingress.engine, found.tenant, source=found.source)
    return _json(WriteKeyList(write_keys=[write_key_shown(key) for key in keys]))


@router.post(
    "/{source}/write-keys",
    summary="Make a further write key of a website",
    description="A website may use any of its write keys: to replace one, make another, then revoke the old one.",
    status_code=201,
    response_model=SiteShown,
    responses=_WITH_BODY,
    openapi_extra=body_of({"application/json": NewWriteKey}, required=False),
)
async def post_source_write_key(
    ingress: Serving,
    admin: Administrator,
    source: Name,
    new: Annotated[NewWriteKey, Depends(_body(NewWriteKey, b"{}"))],
) -> Response:
    """The key is shown this once."""
    found = await own_source(ingress.engine, source, admin.tenant)
    write_key = await add_write_key(ingress.engine, found.source, new.kind)
    return _json(shown_with_key(found, ingress.settings.public_url, new.kind, write_key), 201)


@router.delete(
    "/{source}/write-keys/{beginning}",
    summary="Revoke a write key of a website",
    description="It stops working within two seconds, for good.",
    response_model=WriteKeyShown,
    responses=COMMON_PROBLEMS,
)
async def delete_source_write_key(
    ingress: Serving,
    admin: Administrator,
    source: Name,
    beginning: Annotated[str, Path(description="The key's beginning, as the list shows it, or the whole key.")],
) -> Response:
    """The only live key of the source that begins so; 404 if there is none, or more than one."""
    found = await own_source(ingress.engine, source, admin.tenant)
    return _json(write_key_shown(await revoke_write_key(ingress.engine, beginning, source=found.source)))


def _problem(error: ControlError) -> Problem:
    if isinstance(error, UnknownSource | UnknownSite):
        return Problem(NOT_FOUND, "there is no such source")
    if isinstance(error, UnknownKey):
        return Problem(NOT_FOUND, "no live write key of the source, or more than one, begins so")
    if isinstance(error, NameTaken):
        return Problem(NAME_TAKEN, "choose another name for the source")
    if isinstance(error, StillUsed):
        return Problem(STILL_USED, str(error))
    if isinstance(error, TooBusy):
        return Problem(UNAVAILABLE, str(error), headers=_RETRY)
    # What was sent is not repeated: the rule is said before it.
    detail = str(error).partition("; not ")[0] if isinstance(error, InvalidName) else None
    return Problem(INVALID_REQUEST, detail)


def _shown(source: Source, ingress: Ingress, status: int = 200) -> Response:
    return _json(shown(source, ingress.settings.public_url), status)


def _json(shape: BaseModel, status: int = 200) -> Response:
    return Response(shape.model_dump_json(), status, _NEVER_STORED, "application/json")

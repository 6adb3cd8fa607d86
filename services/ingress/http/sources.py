"""Sources over HTTP, for a tenant's admins: what of them is another tenant's is not there."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.control.auth import Principal
from services.control.errors import ControlError, InvalidName, NameTaken, StillUsed, TooBusy, UnknownSite, UnknownSource
from services.control.sources import Source, disabled, enabled, list_sources, own_source
from services.control.write_keys import add_site, add_write_key
from services.ingress.http.body import MALFORMED_BODY, read_body
from services.ingress.http.context import Ingress
from services.ingress.http.source_shapes import (
    ChangedSource,
    NewSecret,
    NewSource,
    SourceList,
    SourceShown,
    shown,
    shown_with_key,
)
from services.ingress.ports import LogUnavailable
from services.runtime.database import is_transient
from services.runtime.http import RawRoute
from services.runtime.problems import (
    INVALID_REQUEST,
    NAME_TAKEN,
    NOT_FOUND,
    UNAVAILABLE,
    Kind,
    Problem,
    unavailable,
)

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Handler = Callable[[Request, Ingress, Principal], Awaitable[Response]]

STILL_USED: Final = Kind("still-used", "Something still refers to it", 409)
_LARGEST: Final = 65_536
_NEVER_STORED: Final = {"Cache-Control": "no-store"}
_RETRY: Final = {"Retry-After": "1"}


def source_routes() -> list[RawRoute]:
    """The routes; the app keeps its ``Ingress`` in its state."""
    one = "/v1/sources/{source}"
    return [
        _route("/v1/sources", "GET", _list),
        _route("/v1/sources", "POST", _post),
        _route(one, "GET", _get),
        _route(one, "PUT", _put),
        _route(one, "DELETE", _delete),
        _route(f"{one}/secrets", "POST", _post_secret),
        _route(f"{one}/write-keys", "POST", _post_write_key),
    ]


def _route(path: str, method: str, handler: Handler) -> RawRoute:
    async def endpoint(request: Request) -> Response:
        ingress: Ingress = request.app.state.ingress
        principal = await ingress.authenticator.principal(request.headers.get("authorization"), "admin")
        try:
            return await handler(request, ingress, principal)
        except ControlError as error:
            raise _problem(error) from None
        except LogUnavailable as error:
            raise Problem(
                UNAVAILABLE, "the change is kept, but Kafka is away: send the same again", headers=_RETRY
            ) from error
        except Exception as error:
            if is_transient(error):
                raise unavailable("PostgreSQL") from error
            raise

    return RawRoute(path, endpoint, methods=[method])


async def _list(_: Request, ingress: Ingress, principal: Principal) -> Response:
    found = await list_sources(ingress.engine, principal.tenant)
    return _json(SourceList(sources=[shown(source, ingress.settings.public_url) for source in found]))


async def _post(request: Request, ingress: Ingress, principal: Principal) -> Response:
    new = await _read(request, ingress, NewSource)
    wanted = new.wanted(principal.tenant)
    if new.channel != "web":
        return _shown(await ingress.source_service.connect(wanted), ingress, 201)
    write_key = await add_site(ingress.engine, wanted.source, tenant=wanted.tenant, account=new.account or "")
    site = await ingress.source_service.change(
        wanted.source, wanted.tenant, lambda one: replace(one, options=wanted.options)
    )
    return _json(shown_with_key(site, ingress.settings.public_url, write_key), 201)


async def _post_write_key(request: Request, ingress: Ingress, principal: Principal) -> Response:
    source = await own_source(ingress.engine, _name(request), principal.tenant)
    write_key = await add_write_key(ingress.engine, source.source)
    return _json(shown_with_key(source, ingress.settings.public_url, write_key), 201)


async def _get(request: Request, ingress: Ingress, principal: Principal) -> Response:
    return _shown(await own_source(ingress.engine, _name(request), principal.tenant), ingress)


async def _put(request: Request, ingress: Ingress, principal: Principal) -> Response:
    wanted = await _read(request, ingress, ChangedSource)
    token = wanted.token()

    def change(source: Source) -> Source:
        facts = replace(source, account=wanted.account, provider=wanted.provider, options=wanted.options())
        return disabled(facts) if wanted.disabled else enabled(facts)

    changed = await ingress.source_service.change(_name(request), principal.tenant, change, verify_token=token)
    return _shown(changed, ingress)


async def _delete(request: Request, ingress: Ingress, principal: Principal) -> Response:
    await ingress.source_service.remove(_name(request), principal.tenant)
    return Response(status_code=204)


async def _post_secret(request: Request, ingress: Ingress, principal: Principal) -> Response:
    new = await _read(request, ingress, NewSecret)
    secret = new.secret.get_secret_value().encode() if new.secret else None
    return _shown(await ingress.source_service.rotate(_name(request), principal.tenant, secret, keep=new.keep), ingress)


def _name(request: Request) -> str:
    return str(request.path_params["source"])


async def _read(request: Request, ingress: Ingress, shape: type[M]) -> M:
    with ingress.budget.lease() as lease:
        raw = await read_body(request, min(_LARGEST, ingress.settings.body_limit), lease)
        try:
            return shape.model_validate_json(raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        raise Problem(MALFORMED_BODY, "the body is no JSON")
    errors = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in found]
    raise Problem(INVALID_REQUEST, errors=errors)


def _problem(error: ControlError) -> Problem:
    if isinstance(error, UnknownSource | UnknownSite):
        return Problem(NOT_FOUND, "there is no such source")
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


def _json(shape: SourceShown | SourceList, status: int = 200) -> Response:
    return Response(shape.model_dump_json(), status, _NEVER_STORED, "application/json")

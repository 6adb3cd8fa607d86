"""What an OpenID provider is asked: its addresses, its keys, the tokens for a code, and more about a person.

Every answer is bounded in size and time, and no secret goes to an address without TLS, except on this machine.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple
from urllib.parse import quote_plus

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.console.core.oidc import SignInRefused
from services.control.oidc_providers import is_safe_url
from services.runtime.errors import ForeseenError
from services.runtime.unreachable import trouble_with_http

_WITHIN: Final = 5.0  # seconds for one answer
_MOST_BYTES: Final = 1_048_576
_AT_ONCE: Final = 16
_MOST_KEYS: Final = 100
_SECRET_IN_BODY: Final = "client_secret_post"  # noqa: S105 - the name of a method
_PATH: Final = "/.well-known/openid-configuration"


class ProviderUnavailable(ForeseenError):
    """The OpenID provider does not answer, or answers something else."""


class ProviderAddresses(NamedTuple):
    """Where a provider is asked, and how a client proves itself there."""

    issuer: str
    authorization: str
    token: str
    keys: str
    person: str | None
    sign_out: str | None
    secret_in_body: bool


class Tokens(NamedTuple):
    """What a code is exchanged for."""

    identity: str
    access: str


class OpenIdClient:
    """Asks providers, so many at once."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def addresses(self, issuer: str) -> ProviderAddresses:
        """The addresses that a provider publishes. Raises ProviderUnavailable."""
        found = await self._json("GET", issuer.rstrip("/") + _PATH)
        if str(found.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
            raise ProviderUnavailable("the provider says that it is another issuer")
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return ProviderAddresses(
            found["issuer"],
            _address(found, "authorization_endpoint"),
            _address(found, "token_endpoint"),
            _address(found, "jwks_uri"),
            _address(found, "userinfo_endpoint") if found.get("userinfo_endpoint") else None,
            _address(found, "end_session_endpoint") if found.get("end_session_endpoint") else None,
            secret_in_body="client_secret_basic" not in methods and _SECRET_IN_BODY in methods,
        )

    async def tokens(
        self, at: ProviderAddresses, client_id: str, secret: str | None, fields: Mapping[str, str]
    ) -> Tokens:
        """The tokens for a code. Raises SignInRefused or ProviderUnavailable."""
        body = {"grant_type": "authorization_code", **fields}
        auth = httpx.BasicAuth(_quoted(client_id), _quoted(secret)) if secret and not at.secret_in_body else None
        if auth is None:
            body |= {"client_id": client_id} | ({"client_secret": secret} if secret else {})
        found = await self._json("POST", at.token, refused="code", data=body, auth=auth)
        identity, access = found.get("id_token"), found.get("access_token")
        if not isinstance(identity, str):
            raise SignInRefused("token")
        return Tokens(identity, access if isinstance(access, str) else "")

    async def keys(self, at: ProviderAddresses) -> KeySet:
        """The keys that the provider signs with. Raises ProviderUnavailable."""
        found = await self._json("GET", at.keys)
        try:
            return KeySet.import_key_set({"keys": _signing(found["keys"])})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderUnavailable("the provider's keys can't be read") from error

    async def person(self, at: ProviderAddresses, access_token: str, subject: str) -> dict[str, Any]:
        """What else the provider says about the person. Raises ProviderUnavailable."""
        if at.person is None or not access_token:
            return {}
        found = await self._json("GET", at.person, headers={"Authorization": f"Bearer {access_token}"})
        return found if found.get("sub") == subject else {}

    async def _json(self, method: str, url: str, *, refused: Any = None, **more: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_WITHIN), self._places, _asked(method, url, **more) as answer:
                body = await _body(answer)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ProviderUnavailable(f"the provider does not answer: {trouble_with_http(error).found}") from error
        if refused is not None and answer.status_code in {400, 403}:
            raise SignInRefused(refused)
        if answer.status_code != httpx.codes.OK:
            raise ProviderUnavailable(f"the provider answers with status {answer.status_code}")
        try:
            found = orjson.loads(body)
        except ValueError as error:
            raise ProviderUnavailable("the provider's answer is no JSON") from error
        if not isinstance(found, dict):
            raise ProviderUnavailable("the provider's answer is no JSON object")
        return found


@asynccontextmanager
async def _asked(method: str, url: str, **more: Any) -> AsyncIterator[httpx.Response]:
    async with (
        httpx.AsyncClient(timeout=_WITHIN, trust_env=False) as client,
        client.stream(method, url, **more) as answer,
    ):
        yield answer


async def _body(answer: httpx.Response) -> bytes:
    found = bytearray()
    async for part in answer.aiter_bytes():
        found += part
        if len(found) > _MOST_BYTES:
            raise ProviderUnavailable("the provider's answer is too large")
    return bytes(found)


def _address(found: Mapping[str, Any], name: str) -> str:
    address = found.get(name)
    if not isinstance(address, str) or not is_safe_url(address):
        raise ProviderUnavailable(f"the provider has no {name} that begins with https://")
    return address


def _signing(keys: list[Any]) -> list[Any]:
    """The keys that can check a signature: a symmetric one can't, and one for encryption is for something else."""
    usable = [one for one in keys if one.get("kty") in {"RSA", "EC"} and one.get("use", "sig") == "sig"]
    return usable[:_MOST_KEYS]


def _quoted(text: str) -> str:
    """A client id or secret, as RFC 6749 wants it before it is put together (2.3.1)."""
    return quote_plus(text)

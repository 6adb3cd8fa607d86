"""Tests a source by signed calls to the running service, as its channel would make them; they contain no events.

Only the channel knows whether the secrets are its own and whether it reaches this service. For these two, the doctor
says which button to press in the channel's console.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

import httpx

from services.control.channel_consoles import webhook_path
from services.control.source_service import META_CHANNELS, opened_verify_token
from services.control.sources import Source
from services.runtime.secrets import open_sealed
from services.runtime.unreachable import trouble_with_http

State = Literal["ok", "failed", "unknown"]
_SILENT: Final = {"line": b'{"destination":"","events":[]}', "meta": b'{"object":"page","entry":[]}'}
SILENT_BODIES: Final = frozenset(_SILENT.values())
_WITHIN: Final = 5.0
_SERVICE: Final = "Start it (`onefold up`, or `onefold ingress`), or give its address by --url."
_LAST: Final = {
    "line": "Press Verify beside the webhook URL in LINE's console: LINE alone can tell that the secret is its own.",
    "meta": "Press Verify and save in Meta's console, then Test beside a field: Meta alone knows its app secret.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, its state, and what was found or has to be done."""

    what: str
    state: State
    advice: str


@dataclass(frozen=True, slots=True)
class SourceUnderTest:
    """A source with its secrets decrypted."""

    source: Source
    secrets: tuple[bytes, ...]
    verify_token: str | None

    @property
    def kind(self) -> str:
        """Whose webhooks these are."""
        return "meta" if self.source.channel in META_CHANNELS else self.source.channel


async def examine(tested: SourceUnderTest, client: httpx.AsyncClient) -> list[Finding]:
    """Everything that can be found out by calling the service, in the order in which to set it right."""
    if tested.kind not in _SILENT:
        advice = "Nothing calls this source: a website sends to the routes of its SDK, with a key of its own."
        return [Finding("webhooks", "unknown", advice)]
    findings = [_enabled(tested.source), await _ready(client)]
    if findings[-1].state == "ok":
        findings += await _calls(tested, client)
    return [*findings, Finding("channel", "unknown", _LAST[tested.kind])]


async def examine_within(app: Any, tested: SourceUnderTest) -> list[Finding]:
    """The same by the application that runs here, without a network between."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://onefold") as client:
        return await examine(tested, client)


def tested_source(source: Source, master: str) -> SourceUnderTest:
    """The source, with its secrets decrypted. Raises WrongMasterKey."""
    opened = tuple(open_sealed(master, sealed) for sealed in source.sealed_secrets)
    return SourceUnderTest(source, opened, opened_verify_token(master, source))


def _enabled(source: Source) -> Finding:
    if source.disabled_at is None:
        return Finding("enabled", "ok", "webhooks are taken in")
    return Finding("enabled", "failed", f"`onefold sources enable {source.source}` takes webhooks in again")


async def _ready(client: httpx.AsyncClient) -> Finding:
    try:
        answer = await client.get("/readyz", timeout=_WITHIN)
        checks = answer.json()["checks"]
    except httpx.HTTPError as error:
        advice = f"The service at {client.base_url} can't be used: {trouble_with_http(error).found}. {_SERVICE}"
        return Finding("service reachable", "failed", advice)
    except (ValueError, LookupError, TypeError):
        return Finding("service reachable", "failed", f"What answers at {client.base_url} is no Onefold. {_SERVICE}")
    away = ", ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok")
    if away:
        return Finding("service reachable", "failed", f"It is not ready ({away}): until it is, the answer is 503.")
    return Finding("service reachable", "ok", f"at {client.base_url}")


async def _calls(tested: SourceUnderTest, client: httpx.AsyncClient) -> list[Finding]:
    findings: list[Finding] = []
    if tested.kind == "meta":
        findings.append(await _found("handshake", _handshake(tested, client)))
    number = len(tested.secrets)
    for index, secret in enumerate(tested.secrets, 1):
        what = "signature accepted" if number == 1 else f"signature {index} of {number} accepted"
        findings.append(await _found(what, _signed(tested, client, secret)))
    findings.append(await _found("forgery refused", _forged(tested, client)))
    return findings


async def _found(what: str, call: Awaitable[tuple[bool, str]]) -> Finding:
    try:
        ok, advice = await call
    except httpx.HTTPError as error:
        return Finding(what, "failed", f"The call failed: {trouble_with_http(error)}.")
    return Finding(what, "ok" if ok else "failed", advice)


async def _handshake(tested: SourceUnderTest, client: httpx.AsyncClient) -> tuple[bool, str]:
    if tested.verify_token is None:
        return False, "No verify token is set; one is by PUT /v1/sources, or by adding the source again."
    challenge = secrets.token_hex(8)
    hub = {"hub.mode": "subscribe", "hub.verify_token": tested.verify_token, "hub.challenge": challenge}
    answer = await client.get(webhook_path(tested.source), params=hub, timeout=_WITHIN)
    if answer.status_code == httpx.codes.OK and answer.text == challenge:
        return True, "the challenge came back"
    return False, _why(answer)


async def _signed(tested: SourceUnderTest, client: httpx.AsyncClient, secret: bytes) -> tuple[bool, str]:
    answer = await _post(tested, client, secret)
    return (True, "200") if answer.status_code == httpx.codes.OK else (False, _why(answer))


async def _forged(tested: SourceUnderTest, client: httpx.AsyncClient) -> tuple[bool, str]:
    answer = await _post(tested, client, secrets.token_bytes(32))
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return True, "401"
    return False, "What is signed with another secret should be answered with 401. " + _why(answer)


async def _post(tested: SourceUnderTest, client: httpx.AsyncClient, secret: bytes) -> httpx.Response:
    body = _SILENT[tested.kind]
    headers = {"Content-Type": "application/json"} | _SIGNERS[tested.kind](hmac.digest(secret, body, sha256))
    return await client.post(webhook_path(tested.source), content=body, headers=headers, timeout=_WITHIN)


_SIGNERS: Final[dict[str, Callable[[bytes], dict[str, str]]]] = {
    "line": lambda digest: {"x-line-signature": b64encode(digest).decode()},
    "meta": lambda digest: {"x-hub-signature-256": f"sha256={digest.hex()}"},
}


def _why(answer: httpx.Response) -> str:
    """What an unexpected answer means, and what to do."""
    return _MEANINGS.get(answer.status_code, f"The answer was {answer.status_code}; the service's log says more.")


_MEANINGS: Final = {
    401: "The service has other secrets. Was one replaced within 2 seconds? Else it reads another database.",
    403: "The service has another verify token. Was it changed within 2 seconds? Else it reads another database.",
    404: "The service does not know the source: it is disabled, was added within 2 seconds, or the service "
    "reads another database.",
    429: "The source is past its rate; see ONEFOLD_SOURCE_RATE, and `rate` of the source.",
    500: "The service can't open the source's secrets: does it run with the same ONEFOLD_SECRET_KEY?",
    503: "Kafka or PostgreSQL is away.",
}

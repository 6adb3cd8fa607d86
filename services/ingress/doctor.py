"""Tests a source as its channel would use it, by signed calls that say nothing to the service that runs.

Only the channel can tell that the secrets are its own, and that it reaches this service from outside; for those two the
doctor says where to press which button.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal

import httpx

from services.control.channel_consoles import webhook_path
from services.control.registry import Source
from services.control.source_service import META_CHANNELS

State = Literal["well", "ailing", "unknown"]
_SILENT: Final = {"line": b'{"destination":"","events":[]}', "meta": b'{"object":"page","entry":[]}'}
_WITHIN: Final = 5.0
_SERVICE: Final = "Start it (`onefold up`, or `onefold ingress`), or give its address by --url."
_LAST: Final = {
    "line": "Press Verify beside the webhook URL in LINE's console: LINE alone can tell that the secret is its own.",
    "meta": "Press Verify and save in Meta's console, then Test beside a field: Meta alone knows its app secret.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what was found or is to be done."""

    what: str
    state: State
    told: str


@dataclass(frozen=True, slots=True)
class Patient:
    """A source with its secrets in the open."""

    source: Source
    secrets: tuple[bytes, ...]
    verify_token: str | None

    @property
    def kind(self) -> str:
        """Whose webhooks these are."""
        return "meta" if self.source.channel in META_CHANNELS else self.source.channel


async def examine(patient: Patient, client: httpx.AsyncClient) -> list[Finding]:
    """Everything that can be found out by calling the service, in the order in which to set it right."""
    if patient.kind not in _SILENT:
        told = "Nothing calls this source: a website sends to the routes of its SDK, with a key of its own."
        return [Finding("webhooks", "unknown", told)]
    findings = [_enabled(patient.source), await _ready(client)]
    if findings[-1].state == "well":
        findings += await _calls(patient, client)
    return [*findings, Finding("channel", "unknown", _LAST[patient.kind])]


def _enabled(source: Source) -> Finding:
    if source.disabled_at is None:
        return Finding("enabled", "well", "webhooks are taken in")
    return Finding("enabled", "ailing", f"`onefold sources enable {source.source}` takes webhooks in again")


async def _ready(client: httpx.AsyncClient) -> Finding:
    try:
        answer = await client.get("/readyz", timeout=_WITHIN)
        checks = answer.json()["checks"]
    except httpx.HTTPError as error:
        return Finding("service reachable", "ailing", f"{type(error).__name__} at {client.base_url}. {_SERVICE}")
    except (ValueError, LookupError, TypeError):
        return Finding("service reachable", "ailing", f"What answers at {client.base_url} is no Onefold. {_SERVICE}")
    away = ", ".join(f"{name}: {said}" for name, said in checks.items() if said != "ok")
    if away:
        return Finding("service reachable", "ailing", f"It is not ready ({away}): until it is, the answer is 503.")
    return Finding("service reachable", "well", f"at {client.base_url}")


async def _calls(patient: Patient, client: httpx.AsyncClient) -> list[Finding]:
    findings: list[Finding] = []
    if patient.kind == "meta":
        findings.append(await _found("handshake", _handshake(patient, client)))
    number = len(patient.secrets)
    for index, secret in enumerate(patient.secrets, 1):
        what = "signature accepted" if number == 1 else f"signature {index} of {number} accepted"
        findings.append(await _found(what, _signed(patient, client, secret)))
    findings.append(await _found("forgery refused", _forged(patient, client)))
    return findings


async def _found(what: str, call: Awaitable[tuple[bool, str]]) -> Finding:
    try:
        well, told = await call
    except httpx.HTTPError as error:
        return Finding(what, "ailing", f"the call failed: {type(error).__name__}")
    return Finding(what, "well" if well else "ailing", told)


async def _handshake(patient: Patient, client: httpx.AsyncClient) -> tuple[bool, str]:
    if patient.verify_token is None:
        return False, "No verify token is set; one is by PUT /v1/sources, or by adding the source again."
    challenge = secrets.token_hex(8)
    hub = {"hub.mode": "subscribe", "hub.verify_token": patient.verify_token, "hub.challenge": challenge}
    answer = await client.get(webhook_path(patient.source), params=hub, timeout=_WITHIN)
    if answer.status_code == httpx.codes.OK and answer.text == challenge:
        return True, "the challenge came back"
    return False, _why(answer)


async def _signed(patient: Patient, client: httpx.AsyncClient, secret: bytes) -> tuple[bool, str]:
    answer = await _post(patient, client, secret)
    return (True, "200") if answer.status_code == httpx.codes.OK else (False, _why(answer))


async def _forged(patient: Patient, client: httpx.AsyncClient) -> tuple[bool, str]:
    answer = await _post(patient, client, secrets.token_bytes(32))
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return True, "401"
    return False, "What is signed with another secret should be answered with 401. " + _why(answer)


async def _post(patient: Patient, client: httpx.AsyncClient, secret: bytes) -> httpx.Response:
    body = _SILENT[patient.kind]
    headers = {"Content-Type": "application/json"} | _SIGNERS[patient.kind](hmac.digest(secret, body, sha256))
    return await client.post(webhook_path(patient.source), content=body, headers=headers, timeout=_WITHIN)


_SIGNERS: Final[dict[str, Callable[[bytes], dict[str, str]]]] = {
    "line": lambda digest: {"x-line-signature": b64encode(digest).decode()},
    "meta": lambda digest: {"x-hub-signature-256": f"sha256={digest.hex()}"},
}


def _why(answer: httpx.Response) -> str:
    """What an answer that was not wanted means, and what to do."""
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

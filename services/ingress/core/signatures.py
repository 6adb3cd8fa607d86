"""Checks the signature of a body, over its bytes as received, with the secrets of a source."""

import binascii
import hmac
import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import orjson

_REMEMBERED: Final = 1_024  # secrets
_LONGEST_REQUEST: Final = 16_384
_SIGNED_REQUEST: Final = re.compile(r"([A-Za-z0-9_-]+)={0,2}\.([A-Za-z0-9_-]+)={0,2}")


def line_signature_matches(raw: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether ``x-line-signature`` fits the body with any of the secrets (two while one is being replaced).

    Every secret is tried whichever fits, and each in constant time, so the time taken tells nothing about them.
    An empty secret fits nothing: anybody could sign with it.
    """
    given = (header or "").strip().encode("utf-8", "replace")
    fits = [hmac.compare_digest(b64encode(_digest(secret, raw)), given) for secret in secrets if secret]
    return any(fits)


def meta_signature_matches(raw: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether ``X-Hub-Signature-256`` fits the body with any of the app secrets; as with LINE's."""
    given = (header or "").strip().encode("utf-8", "replace")
    fits = [
        hmac.compare_digest(b"sha256=" + _digest(secret, raw).hex().encode(), given) for secret in secrets if secret
    ]
    return any(fits)


def signed_request(text: str, secrets: Sequence[bytes]) -> dict[str, Any] | None:
    """What a ``signed_request`` of Meta's says (of data deletion: who asks), if any of the app secrets signed it.

    The signature is over the encoded payload. None if it does not fit, or the payload is no request.
    """
    parts = _SIGNED_REQUEST.fullmatch(text[: _LONGEST_REQUEST + 1].strip())
    if parts is None or len(text) > _LONGEST_REQUEST:
        return None
    signature, payload = parts[1], parts[2]
    given = _decoded(signature)
    fits = [hmac.compare_digest(_digest(secret, payload.encode()), given) for secret in secrets if secret]
    return _request_in(_decoded(payload)) if any(fits) else None


def _digest(secret: bytes, message: bytes) -> bytes:
    keyed = _keyed(secret).copy()
    keyed.update(message)
    return keyed.digest()


@lru_cache(maxsize=_REMEMBERED)
def _keyed(secret: bytes) -> hmac.HMAC:
    """HMAC-SHA256 with its key set, which takes longer than to copy it; it is only copied."""
    return hmac.new(secret, digestmod=sha256)


def _decoded(part: str) -> bytes:
    """The bytes of base64url without padding; none of a length that no bytes have."""
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        return b""


def _request_in(payload: bytes) -> dict[str, Any] | None:
    try:
        request = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    known = isinstance(request, dict) and str(request.get("algorithm", "")).upper() == "HMAC-SHA256"
    return request if known else None

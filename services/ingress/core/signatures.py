"""Whether a body was signed by somebody who knows the source's secret. Always over the bytes as they came."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256


def line_signature_matches(raw: bytes, header: str | None, secrets: Sequence[bytes]) -> bool:
    """Whether ``x-line-signature`` fits the body with any of the secrets (two while one is being replaced).

    Every secret is tried whichever fits, and each in constant time, so the time taken tells nothing about them.
    An empty secret fits nothing: anybody could sign with it.
    """
    given = (header or "").strip().encode("utf-8", "replace")
    fits = [hmac.compare_digest(b64encode(hmac.digest(secret, raw, sha256)), given) for secret in secrets if secret]
    return any(fits)

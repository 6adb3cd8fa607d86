"""The headers of an outbound webhook: those of Standard Webhooks, or those of Omnichat's own webhooks (pure).

The signature covers the body as it is sent. Standard Webhooks signs the id and the time, too, with each secret that is
valid, so that a receiver can change over to a new one.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal
from uuid import UUID

WebhookForm = Literal["standard", "omnichat"]
SECRET_START: Final = "whsec_"  # noqa: S105 - the beginning of every secret, and none itself
SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """What is sent: ``sent_at`` is ms since 1970, ``message_id`` the same at each attempt."""

    message_id: UUID
    sent_at: int
    tenant: str
    type: str
    body: bytes


def secret_text(secret: bytes) -> str:
    """The secret as its receiver enters it."""
    return SECRET_START + b64encode(secret).decode()


def signed_headers(form: WebhookForm, message: OutboundMessage, secrets: Sequence[bytes]) -> dict[str, str]:
    """The headers of a message. ``secrets`` begin with the newest one; the Omnichat form has room for no other."""
    if form == "standard":
        return _standard(message, secrets)
    digest = hmac.new(secret_text(secrets[0]).encode(), message.body, sha256).hexdigest()
    return {
        "X-Omnichat-Event-Id": message.message_id.hex[:24],
        "X-Omnichat-Topic": f"customer/{message.type}",
        "X-Omnichat-Timestamp": str(message.sent_at),
        "X-Omnichat-Team": message.tenant,
        "X-Omnichat-Signature": digest,
    }


def _standard(message: OutboundMessage, secrets: Sequence[bytes]) -> dict[str, str]:
    message_id, seconds = f"msg_{message.message_id.hex}", str(message.sent_at // 1000)
    signed = f"{message_id}.{seconds}.".encode() + message.body
    signatures = (b64encode(hmac.digest(one, signed, sha256)).decode() for one in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }

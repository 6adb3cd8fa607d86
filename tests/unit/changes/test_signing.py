"""Receivers of webhooks can check them by the libraries and the rules that they have."""

import hmac
import time
from base64 import b64encode
from hashlib import sha256
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.changes.signing import OutboundMessage, secret_text, signed_headers

NEW, OLD = bytes(range(32)), bytes(range(1, 33))


def a_message() -> OutboundMessage:
    return OutboundMessage(UUID(int=7), time.time_ns() // 1_000_000, "demo", "merged", '{"name":"林小美"}'.encode())


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_standard_webhooks_verifies_with_either_secret_while_both_are_valid(secret: bytes) -> None:
    message = a_message()
    headers = signed_headers("standard", message, [NEW, OLD])
    assert Webhook(secret_text(secret)).verify(message.body.decode(), headers) == {"name": "林小美"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(secret)).verify(message.body.decode() + " ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_text(bytes(32))).verify(message.body.decode(), headers)


def test_the_omnichat_form_is_a_hexadecimal_hmac_of_the_body_under_the_secret_as_it_is_shown() -> None:
    message = a_message()
    headers = signed_headers("omnichat", message, [NEW, OLD])
    shown = secret_text(NEW).encode()
    assert headers["X-Omnichat-Signature"] == hmac.new(shown, message.body, sha256).hexdigest()
    assert headers["X-Omnichat-Topic"] == "customer/merged"
    assert len(headers["X-Omnichat-Event-Id"]) == 24
    assert shown == b"whsec_" + b64encode(NEW)
    assert shown == b"whsec_" + b64encode(NEW)

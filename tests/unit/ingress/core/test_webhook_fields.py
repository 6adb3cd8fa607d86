"""The fields that a brand is told to subscribe to are those that the translators read."""

import pytest

from schemas.webhook_fields import WEBHOOK_FIELDS, fields_of
from services.ingress.core import messenger, whatsapp
from services.ingress.core.messenger_items import COMMENTS

BESIDE_MESSAGES = {"statuses"}  # WhatsApp's field `messages` brings two lists
OF_AN_ACCOUNT = {"account_update", "mentions"}


def _brought(*channels: str) -> set[str]:
    return {name for channel in channels for name in WEBHOOK_FIELDS[channel].values()}


def test_every_item_of_a_conversation_that_is_read_is_subscribed_to() -> None:
    assert _brought("facebook", "instagram") - COMMENTS - OF_AN_ACCOUNT == set(messenger.READERS)


def test_every_list_of_whatsapps_that_is_read_is_subscribed_to() -> None:
    assert (_brought("whatsapp") | BESIDE_MESSAGES) - OF_AN_ACCOUNT - {"history"} == set(whatsapp.READERS)


@pytest.mark.parametrize("channel", WEBHOOK_FIELDS)
def test_the_fields_are_printed_as_one_list(channel: str) -> None:
    assert fields_of(channel).split(", ") == list(WEBHOOK_FIELDS[channel])


def test_a_channel_without_subscriptions_has_none() -> None:
    assert fields_of("line") == ""

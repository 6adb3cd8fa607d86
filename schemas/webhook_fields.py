"""The webhook fields of Meta's channels that Onefold reads: what a brand subscribes to in Meta's console.

The translators of ingress are tested against this list, and the console settings are printed from it. Fields that are
not in it are kept as events of unknown types when they come.
"""

from collections.abc import Mapping
from typing import Final

# By channel: each field to subscribe to, and the name of what it brings: an item's or a list's name in the body.
WEBHOOK_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "facebook": {
        "messages": "message",
        "message_echoes": "message",
        "message_edits": "message_edit",
        "message_reactions": "reaction",
        "message_deliveries": "delivery",
        "message_reads": "read",
        "messaging_postbacks": "postback",
        "messaging_optins": "optin",
        "messaging_referrals": "referral",
        "standby": "message",
    },
    "instagram": {
        "messages": "message",
        "message_edit": "message_edit",
        "message_reactions": "reaction",
        "messaging_optins": "optin",
        "messaging_postbacks": "postback",
        "messaging_referral": "referral",
        "messaging_seen": "read",
        "standby": "message",
        "comments": "comments",
        "live_comments": "live_comments",
        "mentions": "mentions",
    },
    "whatsapp": {
        "messages": "messages",
        "smb_message_echoes": "message_echoes",
        "smb_app_state_sync": "state_sync",
        "history": "history",
        "user_preferences": "user_preferences",
        "user_id_update": "user_id_update",
        "calls": "calls",
        "automatic_events": "automatic_events",
        "account_update": "account_update",
    },
}


def fields_of(channel: str) -> str:
    """The fields to subscribe to, for people: ``messages, message_echoes, …``; empty for a channel that has none."""
    return ", ".join(WEBHOOK_FIELDS.get(channel, ()))

"""What of a message's context stays with its event.

Other modules read the traits, the external ids of a person, the page, the campaign and the language. A device, a
network and an SDK are no facts about a person: what is known of them is left out. Whatever else a context has is kept.
"""

from typing import Final

from services.ingress.core.normalize import Fields
from services.ingress.core.web_identity import unread_external_ids

_READ: Final = frozenset({"traits", "page", "campaign", "locale", "externalId", "externalIds"})
_LEFT_OUT: Final = frozenset({
    "app", "channel", "device", "direct", "instanceId", "ip", "library", "network", "os", "screen", "sessionId",
    "sessionStart", "timezone", "userAgent", "userAgentData", "receivedAt",
})  # fmt: skip


def kept_context(context: Fields) -> Fields:
    """The part that nothing else reads and that is not about a device, a network or an SDK; empty for stock SDKs."""
    kept = {name: value for name, value in context.items() if name not in _READ | _LEFT_OUT}
    if unread := unread_external_ids(context):
        kept["externalIds"] = unread
    return kept

"""Meta's webhooks to canonical events: Messenger, Instagram and WhatsApp share one envelope.

The envelope is ``{"object", "entry": [{"id", "time", …}]}``. Meta's documentation also shows it inside an array, or a
single entry or item without it; all of these are accepted. The channel is the one that ``object`` names, unless the
content shows another: only WhatsApp has ``messaging_product``, and only Instagram's professional accounts have ids that
begin with 17841. Every item becomes at least one event, or is ignored with the position of its entry and the reason.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from schemas.events import Event
from schemas.webhook_fields import WEBHOOK_FIELDS
from services.ingress.core import messenger, whatsapp
from services.ingress.core.drafts import ItemDraft, SourceContext, event_of, fields, identity, listed
from services.ingress.core.messenger_items import INSTAGRAM_ID
from services.ingress.core.normalize import Fields, account_name, clean, word
from services.ingress.core.translated import Ignored, Translated

_WHATSAPP: Final = "whatsapp_business_account"
_INSTAGRAM_FIELDS: Final = WEBHOOK_FIELDS["instagram"].keys() - WEBHOOK_FIELDS["facebook"].keys()
_OF_AN_ENTRY: Final = frozenset({"messaging", "standby", "changes", "field", "sender", "recipient"})
_NO_WEBHOOK: Final = "no webhook"
_OURS: Final[Mapping[str, str]] = {}


def translate(  # noqa: PLR0913 - the body, and seven facts of it and of the source it came to
    body: Any,
    *,
    tenant: str,
    source: str,
    account: str | None,
    provider: str | None,
    received_at: int,
    senders: Mapping[str, str] = _OURS,
    plain: bool = False,
) -> Translated:
    """The events in a parsed webhook body, in its order, with what became none.

    ``account`` is the one configured for the source: what other accounts did is ignored; without it every account that
    the body names is taken. ``provider`` is the business portfolio that WhatsApp's BSUIDs belong to; without it they
    are told apart by WhatsApp Business Account. ``senders`` tells what each of our own apps sends, by Meta app id.
    ``plain`` is that of the ParsedBody.
    """
    context = SourceContext(tenant, source, received_at, account_name(account), word(provider), senders, plain)
    events: list[Event] = []
    ignored: list[Ignored] = []
    for index, (entry, object_name) in enumerate(_entries(body if plain else clean(body))):
        for draft in _drafts(entry, object_name, context):
            outcome = event_of(draft, context) if isinstance(draft, ItemDraft) else draft
            if isinstance(outcome, str):
                ignored.append(Ignored(index, outcome))
            else:
                events.append(outcome)
    return Translated(tuple(events), tuple(ignored))


def _entries(body: Any) -> Iterator[tuple[Any, Any]]:
    """Every entry with its ``object``; a part of the body without entries stands for itself, or for no webhook."""
    for part in body if isinstance(body, list) and body else [body]:
        object_name = fields(part).get("object")
        if isinstance(part, dict) and "entry" in part:
            yield from ((entry, object_name) for entry in _many(part["entry"]))
        else:
            yield part if not _OF_AN_ENTRY.isdisjoint(fields(part)) else _NO_WEBHOOK, object_name


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _drafts(entry: Any, object_name: Any, context: SourceContext) -> Iterator[ItemDraft | str]:
    if not isinstance(entry, dict):
        yield "not_a_webhook" if entry is _NO_WEBHOOK else "not_an_object"
        return
    changes = [*listed(entry.get("changes")), *([entry] if "field" in entry else [])]
    if object_name == _WHATSAPP or any(_is_whatsapp(change) for change in changes):
        yield from whatsapp.drafts(changes, entry, context) if changes else ("empty",)
    else:
        yield from messenger.drafts(entry, changes, _channel(entry, changes, object_name, context), context)


def _is_whatsapp(change: Any) -> bool:
    return fields(fields(change).get("value")).get("messaging_product") == "whatsapp"


def _channel(entry: Fields, changes: list[Any], object_name: Any, context: SourceContext) -> str:
    accounts = (identity(entry.get("id")), context.account)
    by_id = any(account and INSTAGRAM_ID.fullmatch(account) for account in accounts)
    by_field = object_name is None and any(word(fields(change).get("field")) in _INSTAGRAM_FIELDS for change in changes)
    return "instagram" if object_name == "instagram" or by_id or by_field else "facebook"

"""WhatsApp Cloud webhooks to drafts: messages, statuses, preferences and changes of number, each by itself.

Only a person in a one-to-one chat is a contact; a message in a group has no contact, as on LINE. The account is the
number (``metadata.phone_number_id``), not the WhatsApp Business Account that ``entry[].id`` names.

- *Stopping marketing* (``user_preferences``) means all three kinds. WhatsApp then refuses every marketing template of
  the business, and on this channel a broadcast, a cart reminder and a push to the site's visitors (``web_push``,
  官網顧客行銷推播) are all sent as such templates. With one kind left open, the contact would count as valid although
  nothing can reach it.
- *A refusal of marketing* in a failed status means the same, beside the status.
- *A new number or BSUID* supersedes the old contact by the new one and binds the new one to the old, because the
  account moved along with its owner. Both carry the ids that the channel gives for them.
- *The name* is an event of its own, beside each message of a contact. Statuses contain it too, three times for each
  message sent; there it is left out, since it is not new.
- *A contact card* that answers our request for the person's own number claims the number for the contact, who may
  otherwise hide it behind a user name. Any other card is about somebody else.
- *A reaction* is a message that contains an emoji; removing it gives no event.
- What the number itself sent, from the phone app or by another app, is the team's message; taking it back is its status
  ``deleted``. The number itself is never a contact: what it sends to itself has none.
- *A placeholder* stands in the history for media that come later with the same id; so its event id is another.
- *A contact of the phone app's address book* names its person. Being in it is no subscription.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from services.ingress.core.drafts import ItemDraft, SourceContext, fields, listed
from services.ingress.core.normalize import Fields, word
from services.ingress.core.translated import EventContent
from services.ingress.core.whatsapp_items import Place, items_of
from services.ingress.core.whatsapp_people import WhatsAppPerson

MARKETING_KINDS: Final = ("broadcast", "cart_remarketing", "web_push")
_TEXTS: Final = ("body", "caption", "text")
_PLACEHOLDER: Final = "media_placeholder"
_STOPPED_MARKETING: Final = "131050"
_NOT_SENT: Final = frozenset({"edit", "revoke", "reaction", "system"})
_READ_OF_A_PREFERENCE: Final = frozenset({"type", "category", "value", "wa_id", "user_id"})
_CHANGED: Final = frozenset({"user_changed_number", "customer_changed_number", "user_changed_user_id"})
_OLD_ID: Final = re.compile(r" from (\S+) to \S+\s*$")
_LONGEST_NAME: Final = 1000


def drafts(changes: list[Any], entry: Fields, context: SourceContext) -> Iterator[ItemDraft | str]:
    """The drafts of an entry's changes, in order; for an item that can't be read, the reason."""
    for change in changes:
        for found in items_of(change, entry, context) if isinstance(change, dict) else ("not_an_object",):
            if isinstance(found, str):
                yield found
            else:
                item, place = found
                yield from READERS.get(place.kind, _unread)(item, place)


def _unread(item: Fields, place: Place) -> Iterator[ItemDraft]:
    yield place.kept(item, place.name)


def _message(item: Fields, place: Place) -> Iterator[ItemDraft]:
    if place.is_ours(item.get("from")):
        yield from _echo(item, place)
    elif item.get("type") == "system":
        yield from _system(item, place)
    else:
        kind = word(item.get("type")) or "unknown"
        content = _MESSAGE_READERS.get(kind, _content_of)(item, place, kind)
        draft = place.draft(item, content, *_apart(kind)) if content else place.kept(item, kind)
        yield draft
        yield from _profile(draft, item, place)
        yield from _shared_phones(draft, item, place)


def _apart(kind: str) -> tuple[str, ...]:
    """What tells a message's event from that of the media that take its place."""
    return ("placeholder",) if kind == _PLACEHOLDER else ()


def _content_of(item: Fields, place: Place, kind: str) -> EventContent | None:
    text, payload = _content(item, kind)
    payload |= place.rest(item, "type", kind)
    return "message.received", {"message_id": word(item.get("id")), "kind": kind, "text": text, "payload": payload}


def _content(item: Fields, kind: str) -> tuple[str | None, Fields]:
    """The text of a message, and the rest of the field that is named after its kind."""
    content = item.get(kind)
    if isinstance(content, dict):
        spoken = next((key for key in _TEXTS if isinstance(content.get(key), str)), None)
        rest = {key: value for key, value in content.items() if key != spoken}
        return (content[spoken] if spoken else None), ({kind: rest} if rest else {})
    return None, ({} if content is None else {kind: content})


def _reaction(item: Fields, place: Place, kind: str) -> EventContent | None:
    emoji = fields(item.get(kind)).get("emoji")
    if not isinstance(emoji, str) or not emoji:
        return None
    data = {"message_id": word(item.get("id")), "kind": kind, "text": emoji, "payload": place.rest(item, "type")}
    return "message.received", data


def _button(item: Fields, place: Place, kind: str) -> EventContent | None:
    """A tap on a template's button."""
    button = item.get(kind)
    if not isinstance(button, dict):
        return None
    return "bot.interacted", {"action": kind, "payload": button | place.rest(item, "type", kind)}


def _interactive(item: Fields, place: Place, kind: str) -> EventContent | None:
    """A tap on a reply button or on a row of a list, a form filled in, an answer to a request."""
    interactive = fields(item.get(kind))
    action = interactive.get("type")
    reply = interactive.get(action) if isinstance(action, str) else None
    if not word(action) or not isinstance(reply, dict):
        return None
    return "bot.interacted", {"action": word(action), "payload": reply | place.rest(item, "type", kind)}


def _edit(item: Fields, place: Place, kind: str) -> EventContent | None:
    edit = fields(item.get(kind))
    message_id, message = word(edit.get("original_message_id")), edit.get("message")
    if message_id is None or not isinstance(message, dict):
        return None
    inner = word(message.get("type")) or "unknown"
    text, payload = _content(message, inner)
    payload |= place.rest(message, "type", inner) | place.rest(item, "type", kind)
    return "message.edited", {"message_id": message_id, "kind": inner, "text": text, "payload": payload}


def _revoke(item: Fields, place: Place, kind: str) -> EventContent | None:
    message_id = word(fields(item.get(kind)).get("original_message_id"))
    if message_id is None:
        return None
    data = {"message_id": message_id, "kind": "unknown", "payload": place.rest(item, "type", kind)}
    return "message.unsent", data


def _no_content(_: Fields, __: Place, ___: str) -> None:
    return None


def _profile(draft: ItemDraft, item: Fields, place: Place) -> Iterator[ItemDraft]:
    """The name that came with a message. The message carries the ids, so that this stays small.

    A user name stands in for a name. In the history, where it is today's, it would hide the names of its time.
    """
    names = ("name",) if place.field == "history" else ("name", "username")
    yield from _named_as(draft, place.profile or {}, names, item, place)


def _named_as(
    draft: ItemDraft, profile: Fields, names: tuple[str, ...], item: Fields, place: Place
) -> Iterator[ItemDraft]:
    """The first of these names that a profile has, as an event beside the draft."""
    name = next((given for key in names if isinstance(given := profile.get(key), str) and given), None)
    if name is not None and draft.contact is not None:
        content = "profile.updated", {"display_name": name[:_LONGEST_NAME]}
        beside = place.draft(item, content, event_id=f"{draft.event_id}:profile")
        yield beside._replace(intrinsic=())


def _shared_phones(draft: ItemDraft, item: Fields, place: Place) -> Iterator[ItemDraft]:
    """The numbers on a card that answers a request for the person's own number; they are claimed."""
    cards = [card for card in listed(item.get("contacts")) if isinstance(card, dict)]
    own = [card for card in cards if (card.get("origin") or item.get("origin")) == "contact_request"]
    given = (place.person(phone=phone.get("phone"), wa_id=phone.get("wa_id")) for phone in _phones(own))
    numbers = dict.fromkeys(f"+{person.phone}" for person in given if person.phone)
    if numbers and draft.contact is not None:
        identifiers = [{"type": "phone", "value": number, "assurance": "claimed"} for number in numbers]
        content = "identity.bound", {"identifiers": identifiers, "via": "channel"}
        yield place.draft(item, content, event_id=f"{draft.event_id}:phone")


def _phones(cards: list[Fields]) -> Iterator[Fields]:
    return (phone for card in cards for phone in listed(card.get("phones")) if isinstance(phone, dict))


def _echo(item: Fields, place: Place) -> Iterator[ItemDraft]:
    kind = word(item.get("type")) or "unknown"
    if kind in _NOT_SENT:
        yield _deletion(item, place) or place.kept(item, f"{kind}_echo")
        return
    text, payload = _content(item, kind)
    data = {
        "purpose": place.context.purpose_of(item.get("app_id")) or "conversation",
        "message_id": word(item.get("id")),
        "text": text,
        "payload": {"type": kind} | payload | place.rest(item, "type", kind),
        "echo": True,
    }
    yield place.draft(item, ("team.message_sent", data), *_apart(kind))


def _deletion(item: Fields, place: Place) -> ItemDraft | None:
    """What the team took back in the phone app."""
    deleted = word(fields(item.get("revoke")).get("original_message_id"))
    data = {"message_id": deleted, "status": "deleted", "payload": place.rest(item, "type", "revoke")}
    return place.draft(item, ("team.message_status", data)) if deleted else None


def _status(item: Fields, place: Place) -> Iterator[ItemDraft]:
    """A status shares its message's id with the others, and in a group with those of the other participants."""
    status, kind = word(item.get("status")), word(item.get("type")) or "message"
    member = word(item.get("recipient_participant_user_id")) or word(item.get("recipient_participant_id"))
    apart = (status or "unknown", *([member] if member else []))
    if status is None or kind != "message":
        yield place.kept(item, f"{kind}_status", *apart)
        return
    known = () if place.contact is None else ("recipient_id", "recipient_user_id")
    data = {"message_id": word(item.get("id")), "status": status, "payload": place.rest(item, "status", *known)}
    draft = place.draft(item, ("team.message_status", data), *apart)
    yield draft
    if place.contact is not None and _STOPPED_MARKETING in _error_codes(item):
        yield place.draft(item, _all_marketing("marketing.opted_out", {}), event_id=f"{draft.event_id}:opted_out")


def _error_codes(item: Fields) -> set[str | None]:
    return {word(fields(error).get("code")) for error in listed(item.get("errors"))}


def _all_marketing(type_name: str, payload: Fields) -> EventContent:
    return type_name, {"kinds": list(MARKETING_KINDS), "by": "customer", "payload": payload or None}


def _preference(item: Fields, place: Place) -> Iterator[ItemDraft]:
    if item.get("category") == "marketing_messages":
        yield _consent(item, place, item.get("value"))
    else:
        yield place.kept(item, place.name)


def _consent(item: Fields, place: Place, wish: Any) -> ItemDraft:
    type_name = {"stop": "marketing.opted_out", "resume": "marketing.opted_in"}.get(
        wish if isinstance(wish, str) else ""
    )
    if type_name is None or place.contact is None:
        return place.kept(item, place.name)
    return place.draft(item, _all_marketing(type_name, place.rest(item, *_READ_OF_A_PREFERENCE)))


def _system(item: Fields, place: Place) -> Iterator[ItemDraft]:
    system = fields(item.get("system"))
    kind = system.get("type")
    if kind == "user_preference_changed":
        yield _consent(item, place, system.get("marketing"))
    elif isinstance(kind, str) and kind in _CHANGED:
        yield from _moved(item, place, _before(system, place, kind), _after(system, place))
    else:
        yield place.kept(item, kind if word(kind) else "system")


def _before(system: Fields, place: Place, kind: str) -> WhatsAppPerson:
    """The person's former ids: from the message's fields, or from the sentence that describes the change."""
    old_id = _OLD_ID.search(body) if isinstance(body := system.get("body"), str) else None
    old = old_id[1] if old_id and kind == "user_changed_user_id" else None
    named = place.person(wa_id=system.get("customer"), bsuid=system.get("previous_user_id") or old)
    return place.who.known_as(named)


def _after(system: Fields, place: Place) -> WhatsAppPerson:
    return place.person(
        wa_id=system.get("wa_id") or system.get("new_wa_id"),
        bsuid=system.get("user_id"),
        parent=system.get("parent_user_id"),
    )


def _renewal(item: Fields, place: Place) -> Iterator[ItemDraft]:
    previous = fields(item.get("user_id")).get("previous")
    yield from _moved(item, place, place.person(bsuid=previous), place.who)


def _moved(item: Fields, place: Place, old: WhatsAppPerson, new: WhatsAppPerson) -> Iterator[ItemDraft]:
    """The new contact supersedes the old. If they are equal, or one is unknown, the item is kept for the known one."""
    before, after = place._replace(who=old), place._replace(who=new)
    old_contact, new_contact = old.contact(place.account), new.contact(place.account)
    if old_contact and new_contact and old_contact != new_contact:
        content = {"by": new_contact, "payload": before.rest(item, "type") or None}
        superseded = before.draft(item, ("contact.superseded", content))
        yield superseded
        bound = {"linked_contact": old_contact, "via": "channel"}
        yield after.draft(item, ("identity.bound", bound), event_id=f"{superseded.event_id}:bound")
    else:
        kept = (after if new_contact else before).kept(item, fields(item.get("system")).get("type") or place.name)
        gained = [one for one in old.intrinsic(place.portfolio) if old_contact and one not in kept.intrinsic]
        yield kept._replace(intrinsic=(*kept.intrinsic, *gained))


def _call(item: Fields, place: Place) -> Iterator[ItemDraft]:
    yield place.kept(item, place.name, word(item.get("event")) or "unknown")


def _detected(item: Fields, place: Place) -> Iterator[ItemDraft]:
    """A lead or a purchase that WhatsApp sees in a message, whose id it has."""
    yield place.kept(item, place.name, word(item.get("event_name")) or "unknown")


def _in_address_book(item: Fields, place: Place) -> Iterator[ItemDraft]:
    kept = place.kept(item, place.name)
    yield kept
    if item.get("action") != "remove":
        yield from _named_as(kept, fields(item.get("contact")), ("full_name", "first_name", "username"), item, place)


MessageReader = Callable[[Fields, Place, str], EventContent | None]
_MESSAGE_READERS: Final[dict[str, MessageReader]] = {
    "button": _button,
    "interactive": _interactive,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "request_welcome": _no_content,
}
WhatsAppReader = Callable[[Fields, Place], Iterator[ItemDraft]]
READERS: Final[dict[str, WhatsAppReader]] = {
    "messages": _message,
    "message_echoes": _echo,
    "statuses": _status,
    "user_preferences": _preference,
    "user_id_update": _renewal,
    "calls": _call,
    "state_sync": _in_address_book,
    "automatic_events": _detected,
}

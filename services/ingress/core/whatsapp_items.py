"""The items of a WhatsApp change, each with its position and its contact.

A change's value holds lists (messages, statuses, and others), which are recognised by their names, not by the change's
``field``, which several of them share. A value without any of these lists is one item. What another app handles is
inside ``standby``.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from projections.identity.resolution.contact_uids import one_spelling
from services.ingress.core.drafts import (
    CONSOLE_ENTRY,
    ItemDraft,
    SourceContext,
    fields,
    hashed_id,
    identity,
    listed,
    own_id,
    unread,
)
from services.ingress.core.normalize import Fields, account_name, word
from services.ingress.core.times import millis_of, unread_time
from services.ingress.core.translated import EventContent
from services.ingress.core.whatsapp_history import people, remembered
from services.ingress.core.whatsapp_people import NOBODY, Roll, WhatsAppPerson, digits

CHANNEL: Final = "whatsapp"
_CONSOLE_NUMBER: Final = "123456123"  # the number's id in what the console sends as a test
_ENVELOPE: Final = frozenset({"id", "timestamp"})
_ADDRESSES: Final = frozenset({"from", "from_user_id", "to", "to_user_id"})
_PERSONAL: Final = (
    "messages",
    "message_echoes",
    "statuses",
    "user_preferences",
    "user_id_update",
    "calls",
    "state_sync",
    "automatic_events",
)
_IMPERSONAL: Final = ("groups", "errors")
_NAMED_BY_ITS_LIST: Final = frozenset({"messages", "standby", "history", ""})


class Place(NamedTuple):
    """The context of an item: its change, its number and its person.

    ``about`` is the account that items without a contact are about: the number, or what the entry names, the WhatsApp
    Business Account. ``ours`` is what names the business itself: its number, in the one spelling, and that number's id.
    """

    context: SourceContext
    account: str | None
    about: str | None
    portfolio: str | None
    metadata: Fields
    field: str
    sent_at: int | None
    ours: frozenset[str]
    kind: str = ""
    who: WhatsAppPerson = NOBODY
    profile: Fields | None = None

    @property
    def name(self) -> str:
        """The channel's name for these items."""
        return (self.kind if self.field in _NAMED_BY_ITS_LIST else "") or self.field or "change"

    @property
    def contact(self) -> Fields | None:
        """The contact that the item is about; None where it is nobody's, or on no known number."""
        return self.who.contact(self.account)

    def is_ours(self, number: Any) -> bool:
        """Whether the number is the business's own."""
        return one_spelling(digits(number)) in self.ours

    def person(self, **ids: Any) -> WhatsAppPerson:
        """The person of these ids; nobody where they are the business's own."""
        person = WhatsAppPerson.named(**ids)
        return NOBODY if person.is_any_of(self.ours) else person

    def draft(self, item: Fields, content: EventContent, *apart: str, event_id: str | None = None) -> ItemDraft:
        """The item as a draft; ``apart`` distinguishes it from other events that share its id."""
        return ItemDraft(
            event_id=event_id or self.event_id(item, *apart),
            content=content,
            unread=unread(CHANNEL, self.name, item),
            at=_time(item) or self.sent_at,
            contact=self.contact,
            account={"channel": CHANNEL, "account": self.about} if self.about else None,
            intrinsic=self.who.intrinsic(self.portfolio) if self.contact else (),
        )

    def kept(self, item: Fields, name: Any, *apart: str) -> ItemDraft:
        """The draft of an item that is not understood; all of its data are kept."""
        return self.draft(item, unread(CHANNEL, name, item), *apart)

    def event_id(self, item: Fields, *apart: str) -> str:
        """The event id from the item's own id, or from its content if it has none."""
        at = None if _time(item) else self.sent_at
        content = {"kind": self.name, "who": self.who.uid, "item": item, "at": at, "apart": apart}
        return own_id(CHANNEL, item.get("id"), *apart) or hashed_id(CHANNEL, self.account, content)

    def rest(self, item: Fields, *consumed: str) -> Fields:
        """The item's fields besides the envelope and those already read; what else ``contacts`` has of the person.

        Of what is not one to one, also the chat.
        """
        known = _ENVELOPE.union(consumed, _ADDRESSES if self.contact else ())
        rest = {key: value for key, value in item.items() if key not in known}
        if self.contact is None:
            rest |= {"metadata": self.metadata} | ({"profile": self.profile} if self.profile else {})
        else:
            rest = self._known() | rest
        return rest | unread_time(item) | ({"standby": True} if self.field == "standby" else {})

    def _known(self) -> Fields:
        """What ``contacts`` has of the person and no other field of an event holds."""
        other_number = self.who.wa_id if self.who.phone and self.who.wa_id != self.who.phone else None
        known = {
            "wa_id": other_number,
            "parent_user_id": self.who.parent,
            "username": word((self.profile or {}).get("username")),
        }
        return {name: value for name, value in known.items() if value}


def items_of(change: Fields, entry: Fields, context: SourceContext) -> Iterator[tuple[Fields, Place] | str]:
    """Every item of a change; for what can't be one, the reason. What the console sends as a test is nobody's."""
    given = fields(change.get("value"))
    value = given | fields(given.get("standby"))
    place, is_test = _place(value, word(change.get("field")) or "", entry, context)
    if place is None:
        yield "other_account"
        return
    found = list(_listed(value))
    if not found:
        whole = value or {key: given for key, given in change.items() if key not in {"id", "time"}}
        yield whole, place if is_test else place._replace(who=_sender(value, place))
    named = [None if is_test else _named(kind, item, place) for kind, item in found]
    roll = Roll.of([*listed(value.get("contacts")), *people(value)], filter(None, named), place.ours)
    for (kind, item), person in zip(found, named, strict=True):
        who, profile = _found(roll, item, person)
        here = place._replace(kind=kind, who=who, profile=profile)
        yield (item, here) if isinstance(item, dict) else "not_an_object"


def _place(value: Fields, field: str, entry: Fields, context: SourceContext) -> tuple[Place | None, bool]:
    """The place of a change, and whether it is a test; no place if it is about another account than the source's."""
    metadata = fields(value.get("metadata") or value.get("recipient"))
    account = account_name(identity(metadata.get("phone_number_id")))
    entry_id = account_name(identity(entry.get("id")))
    is_test = entry_id == CONSOLE_ENTRY or account == _CONSOLE_NUMBER
    if context.account is not None and account not in {None, context.account} and not is_test:
        return None, is_test
    place = Place(
        context=context,
        account=account or context.account,
        about=(context.account if is_test else None) or account or entry_id or context.account,
        portfolio=context.provider or word(entry.get("id")),
        metadata=metadata,
        field=field,
        sent_at=millis_of(entry.get("time")),
        ours=_ours(metadata),
    )
    return place, is_test


def _sender(value: Fields, place: Place) -> WhatsAppPerson:
    """The person whose conversation is handed over."""
    sender = fields(value.get("sender"))
    return place.person(phone=sender.get("phone_number"), bsuid=sender.get("user_id"))


def _found(roll: Roll, item: Any, named: WhatsAppPerson | None) -> tuple[WhatsAppPerson, Fields]:
    """The item's person and profile; of a message in a group the profile alone.

    A change of number is about the old one, which ``contacts`` does not list.
    """
    if named is None:
        return NOBODY, roll.find(_author(item))[1] if _in_group(item) and "from" in item else {}
    return (named, {}) if item.get("type") == "system" else roll.find(named)


def _author(message: Fields) -> WhatsAppPerson:
    return WhatsAppPerson.named(phone=message.get("from"), bsuid=message.get("from_user_id"))


def _listed(value: Fields) -> Iterator[tuple[str, Any]]:
    for kind in (*_PERSONAL, *_IMPERSONAL):
        for item in listed(value.get(kind)):
            yield kind, _flat(item) if kind == "message_echoes" else item
    yield from remembered(value)


def _flat(echo: Any) -> Any:
    """An echo with its message's fields beside its own; in ``standby`` they are in a ``message`` inside it."""
    message = fields(fields(echo).get("message"))
    return {key: value for key, value in echo.items() if key != "message"} | message if message else echo


def _named(kind: str, item: Any, place: Place) -> WhatsAppPerson | None:
    """The person that an item names; None if it is about a group, about the business itself, or about nobody."""
    if kind not in _PERSONAL or not isinstance(item, dict) or _in_group(item):
        return None
    ids = _IDS[kind](item) if kind in _IDS else _other_side(kind, item, place)
    person = WhatsAppPerson.named(**ids)
    return None if person.is_any_of(place.ours) else person


def _in_group(item: Any) -> bool:
    return fields(item).get("group_id") is not None or fields(item).get("recipient_type") == "group"


def _other_side(kind: str, item: Fields, place: Place) -> Fields:
    """Of the two sides of a message or call, the ids of the one that is not the business."""
    if _is_sent(kind, item, place):
        return {
            "phone": item.get("to"),
            "bsuid": item.get("to_user_id") or item.get("recipient_user_id"),
            "parent": _first(item, "to_parent_user_id", "parent_user_id"),
        }
    return {
        "phone": item.get("from"),
        "bsuid": item.get("from_user_id"),
        "parent": _first(item, "from_parent_user_id", "parent_user_id"),
    }


def _of_recipient(status: Fields) -> Fields:
    return {
        "phone": status.get("recipient_id"),
        "bsuid": status.get("recipient_user_id"),
        "parent": _first(status, "recipient_parent_user_id", "parent_recipient_user_id", "parent_user_id"),
    }


def _of_entry(entry: Fields) -> Fields:
    """The ids of an entry of the address book."""
    contact = fields(entry.get("contact"))
    names = {"phone": "phone_number", "bsuid": "user_id", "parent": "parent_user_id"}
    return {name: contact.get(given) for name, given in names.items()}


def _of_user(item: Fields) -> Fields:
    """The ids of a preference or of a new BSUID, which are the current ones."""
    bsuid, parent = item.get("user_id"), item.get("parent_user_id")
    return {
        "wa_id": item.get("wa_id"),
        "bsuid": fields(bsuid).get("current") or bsuid,
        "parent": fields(parent).get("current") or parent,
    }


# How an item names its person, by its list; in all other lists it has two sides.
_IDS: Final = {
    "statuses": _of_recipient,
    "state_sync": _of_entry,
    "user_preferences": _of_user,
    "user_id_update": _of_user,
}


def _first(item: Fields, *names: str) -> Any:
    return next((value for name in names if (value := item.get(name)) is not None), None)


def _is_sent(kind: str, item: Fields, place: Place) -> bool:
    """Whether the business is the item's sender or caller. Its own number decides, where it is one of the two."""
    if place.is_ours(item.get("from")):
        return True
    if kind == "message_echoes":
        return True
    return item.get("direction") == "BUSINESS_INITIATED" and not place.is_ours(item.get("to"))


def _time(item: Fields) -> int | None:
    """The item's own time; that of a contact in the phone app's address book is in its metadata."""
    return millis_of(item.get("timestamp")) or millis_of(fields(item.get("metadata")).get("timestamp"))


def _ours(metadata: Fields) -> frozenset[str]:
    own = (digits(metadata.get("display_phone_number")), identity(metadata.get("phone_number_id")) or "")
    return frozenset(one_spelling(number) for number in own if number)

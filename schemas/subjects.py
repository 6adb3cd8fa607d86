"""Whose key a record is sealed under, and which parts of it are about somebody else.

A subject is a contact, a member id, or the tenant itself: of account events, settings and policies, which name nobody.
The event that erases a contact has to be readable when the contact's key is gone, since it also keeps late events from
coming back. So it is the tenant's, with the contact's id on its channel as a part: what is left without that is the
contact's personal id, a keyed hash.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from schemas.events import Event, Identifier
from schemas.sealing import JsonPath, Reference

TENANT: Final = "tenant"
ERASED_UID: Final = "erased/"  # begins the uid of a contact whose key is destroyed; its personal id follows
_ERASED: Final = "contact.erased"
_CONTACT: Final = "contact"
# The field of an event's data that is another contact, by the event's type, and whether the event is about nothing
# without it.
_OTHER_CONTACT: Final = {
    "identity.bound": ("linked_contact", False),
    "identity.unbound": ("linked_contact", False),
    "identity.decided": ("other", True),
    "contact.superseded": ("by", True),
}
NAMING_TYPES: Final = frozenset(_OTHER_CONTACT)


def contact_subject(contact_key: str) -> str:
    """The subject that a contact is."""
    return f"contact|{contact_key}"


def member_subject(member_id: str) -> str:
    """The subject that the holder of a member id is."""
    return f"member|{member_id}"


def subject_of(event: Event) -> str:
    """The subject under whose key the event is sealed."""
    if event.type == _ERASED:
        return TENANT
    if event.contact is not None:
        return contact_subject(event.contact.key)
    member: Any = getattr(event.data, "member_id", None) if event.type == "member.merged" else None
    return TENANT if member is None else member_subject(member)


def references_in(event: Event, contact_id: UUID | None) -> Sequence[Reference]:
    """The parts of the event, as JSON, that are about other subjects. ``contact_id`` is the contact's personal id."""
    if event.type not in _OTHER_CONTACT and not event.intrinsic and event.type not in {_ERASED, "member.merged"}:
        return ()
    return list(_references(event, contact_id))


def erased_id(contact_key: str) -> UUID | None:
    """The personal id that stands in the place of a uid, if the contact's key is destroyed."""
    _, mark, text = contact_key.partition(f":{ERASED_UID}")
    try:
        return UUID(text) if mark else None
    except ValueError:
        return None


def _references(event: Event, contact_id: UUID | None) -> Iterator[Reference]:
    data: Any = event.data
    if event.type == _ERASED and event.contact is not None and erased_id(event.contact.key) is None:
        yield Reference(
            (("contact", "uid"),),
            contact_subject(event.contact.key),
            f"{ERASED_UID}{contact_id}" if contact_id else None,
        )
    name, required = _OTHER_CONTACT.get(event.type, ("", False))
    if name and (other := getattr(data, name, None)) is not None:
        yield Reference((("data", name),), contact_subject(other.key), required=required)
    if event.type == "member.merged" and getattr(data, "into", None) is not None:
        yield Reference((("data", "into"),), member_subject(data.into), required=True)
    own = subject_of(event)
    for place, one in enumerate(event.intrinsic):
        subject = _subject_of_intrinsic(event, one)
        if subject != own:
            yield Reference((("intrinsic", place),), subject)


def _subject_of_intrinsic(event: Event, one: Identifier) -> str:
    if one.type == _CONTACT:
        return contact_subject(one.value)
    return TENANT if event.contact is None else contact_subject(event.contact.key)


def references_in_change(value: bytes) -> Sequence[Reference]:
    """The contacts in a record of the topic of changes, each with all of its places."""
    change = orjson.loads(value)
    places: defaultdict[str, list[JsonPath]] = defaultdict(list)
    for name in ("before", "after"):
        for number, contact in enumerate(change.get(name) or ()):
            places[contact].append((name, number))
    for name in ("came_from", "went_to"):
        for move, moved in enumerate(change.get(name) or ()):
            for number, contact in enumerate(moved["contacts"]):
                places[contact].append((name, move, "contacts", number))
    return [Reference(tuple(paths), contact_subject(contact)) for contact, paths in places.items()]

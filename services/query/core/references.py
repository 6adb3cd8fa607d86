"""Parses the names of contacts and customers in URLs. Text that can't be a name is treated as an unknown one."""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from schemas.events import AccountRef, ContactRef
from services.query.core.errors import NotFound

_PERSONAL_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_IDENTIFIERS: Final = {"member": "member_id", "phone": "phone", "email": "email"}
_KEY_PARTS: Final = 3
_FORMS: Final = (
    "A customer is named by an id of a customer or contact, by `contact:channel:account:uid` "
    "(percent-encoded: a slash is %2F), or by `member:…`, `phone:…` or `email:…`."
)


@dataclass(frozen=True, slots=True)
class ByPersonalId:
    """A customer by an id that was handed out for it, or for any of its contacts."""

    personal_id: UUID


@dataclass(frozen=True, slots=True)
class ByContact:
    """A customer by one of its contacts."""

    contact: ContactRef


@dataclass(frozen=True, slots=True)
class ByIdentifier:
    """A customer by a value that ties contacts to it, as it was typed."""

    type: str
    value: str


CustomerReference = ByPersonalId | ByContact | ByIdentifier


def contact(channel: str, account: str, uid: str) -> ContactRef:
    """The contact with this key. Raises NotFound for parts that can't be a key."""
    try:
        return ContactRef.model_validate({"channel": channel, "account": account, "uid": uid})
    except ValidationError as error:
        raise NotFound("There is no such contact: the channel, the account or the uid is not one.") from error


def account(channel: str, name: str) -> AccountRef:
    """The account of this name. Raises NotFound for parts that can't name one."""
    try:
        return AccountRef.model_validate({"channel": channel, "account": name})
    except ValidationError as error:
        raise NotFound("There is no such account: the channel or the account is not one.") from error


def customer(name: str) -> CustomerReference:
    """What a customer's name in a URL means. Raises NotFound for text that can't be a name."""
    if _PERSONAL_ID.fullmatch(name):
        return ByPersonalId(UUID(name))
    form, _, rest = name.partition(":")
    if form == "contact" and rest.count(":") >= _KEY_PARTS - 1:
        return ByContact(contact(*rest.split(":", _KEY_PARTS - 1)))
    if form in _IDENTIFIERS and rest and "\0" not in rest:
        return ByIdentifier(_IDENTIFIERS[form], rest)
    raise NotFound(_FORMS)


def one_contact(name: str) -> ByPersonalId | ByContact:
    """What names a single contact: its key, with ``contact:`` before it or without, or its id. Raises NotFound."""
    if _PERSONAL_ID.fullmatch(name):
        return ByPersonalId(UUID(name))
    channel, account, uid = (*name.removeprefix("contact:").split(":", _KEY_PARTS - 1), "", "")[:_KEY_PARTS]
    return ByContact(contact(channel, account, uid))

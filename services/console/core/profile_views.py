"""A customer as its page shows it (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.console.core.names import Names
from services.console.core.words import LocalWords
from services.query.core.attribute_models import AttributeView
from services.query.core.models import ContactView, CustomerAttribute, CustomerView

UNSUBSCRIBING_CHANNELS: Final = frozenset({"line", "facebook", "instagram", "whatsapp"})


@dataclass(frozen=True, slots=True)
class ShownAttribute:
    """An attribute under the name that the brand gave it."""

    key: str
    label: str
    description: str
    text: str
    setting: CustomerAttribute


def attribute_rows(
    customer: CustomerView, definitions: Iterable[AttributeView], words: LocalWords, names: Names
) -> list[ShownAttribute]:
    """The customer's attributes in the order of their names."""
    defined = {one.key: one for one in definitions}
    rows = [
        _row(key, setting, defined.get(key), words, names)
        for key, setting in customer.attributes.items()
        if key not in defined or not defined[key].archived
    ]
    return sorted(rows, key=lambda row: (row.label.casefold(), row.key))


def _row(
    key: str, setting: CustomerAttribute, definition: AttributeView | None, words: LocalWords, names: Names
) -> ShownAttribute:
    label = key if definition is None else _label(definition, words.language)
    description = (definition and definition.description) or ""
    value = setting.value
    text = names.value(value) if isinstance(value, bool | str) else words.number(value)
    return ShownAttribute(key, label, description, text, setting)


def attribute_labels(definitions: Iterable[AttributeView], language: str) -> dict[str, str]:
    """What the brand calls its attributes, by their keys."""
    return {one.key: _label(one, language) for one in definitions}


def _label(definition: AttributeView, language: str) -> str:
    given: dict[str, Any] = dict(definition.names or {})
    return given.get(language.partition("-")[0]) or definition.display_name or definition.key


def display_names(contacts: Sequence[ContactView]) -> dict[str, str | None]:
    """What each contact is called, by its key."""
    return {one.contact: one.profile.display_name for one in contacts}


def initial(name: str | None) -> str:
    """The letter that stands in place of a picture: pictures would be requests to other machines."""
    return next((letter.upper() for letter in name or "" if letter.isalnum()), "?")


def chosen_contact(contacts: Sequence[ContactView], key: str) -> ContactView | None:
    """The contact whose tab is open: that of the key, else the one that was heard of last."""
    wanted = next((one for one in contacts if one.contact == key), None)
    latest = max(contacts, key=lambda one: (one.last_customer_interaction_at or 0, one.contact), default=None)
    return wanted or latest


def may_unsubscribe(contact: ContactView) -> bool:
    """Whether the contact's channel has marketing that it has not refused altogether."""
    consents = contact.consents
    allowed = consents.broadcast.allowed or consents.web_push.allowed or consents.cart_remarketing.allowed
    return contact.channel in UNSUBSCRIBING_CHANNELS and allowed

"""The person that the ids in a WhatsApp webhook mean.

WhatsApp names a person by up to four ids. The *wa_id* names the contact, in one spelling: that of the phone's matching
key, because an echo or a status may have the other. The *phone* is ``messages[].from`` or ``statuses[].recipient_id``;
Meta warns that it and the wa_id may differ, so the wa_id is taken for the phone only where no phone is given. The
*BSUID* is the person's id in one business portfolio; it comes alone where the person has a user name and hides the
number, and it changes with the number. The *parent BSUID* is the person's id in the enterprise that several portfolios
belong to: it finds the person among ``contacts``, and names no contact itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from projections.identity.resolution.contact_uids import one_spelling
from services.ingress.core.drafts import fields, identity
from services.ingress.core.normalize import Fields

_PHONE: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
_WRITTEN: Final = re.compile(r"\s*\+?[0-9][0-9\s().\u2010-\u2015-]*")
_BSUID: Final = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_PARENT: Final = re.compile(r"[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}")


class WhatsAppPerson(NamedTuple):
    """A person, by the ids in the body."""

    wa_id: str | None = None
    phone: str | None = None
    bsuid: str | None = None
    parent: str | None = None

    @classmethod
    def named(cls, *, phone: Any = None, wa_id: Any = None, bsuid: Any = None, parent: Any = None) -> "WhatsAppPerson":
        """The person of these ids, each a BSUID, a parent BSUID, a number or nothing, whatever the body calls it."""
        user, names = identity(bsuid), [name for name in (_plain(wa_id), _plain(phone)) if name]
        if user and _PHONE.fullmatch(user):
            names.append(user)
            user = None
        users = [name for name in (user, *filter(_is_user, names)) if name]
        parents = [identity(parent), *filter(_PARENT.fullmatch, users)]
        numbers = [name.removeprefix("+") for name in names if not _is_user(name)]
        phones = [match[1] for name in reversed(names) if (match := _PHONE.fullmatch(name))]
        bsuids = [name for name in users if name not in parents]
        return cls(*(next(filter(None, ids), None) for ids in (numbers, phones, bsuids, parents)))

    @property
    def uid(self) -> str | None:
        """The contact's uid: the wa_id in its one spelling, else the BSUID."""
        return one_spelling(self.wa_id) if self.wa_id else self.bsuid

    @property
    def names(self) -> tuple[str, ...]:
        """The person's own ids, a number in its one spelling."""
        numbers = tuple(one_spelling(number) for number in (self.wa_id, self.phone) if number)
        return (self.bsuid, *numbers) if self.bsuid else numbers

    def is_any_of(self, names: frozenset[str]) -> bool:
        """Whether any of these names the person."""
        return not names.isdisjoint(self.names)

    def contact(self, account: str | None) -> Fields | None:
        """The contact on this account; None where the body names nobody."""
        return {"channel": "whatsapp", "account": account, "uid": self.uid} if account and self.uid else None

    def intrinsic(self, portfolio: str | None) -> tuple[Fields, ...]:
        """The identifiers that WhatsApp vouches for."""
        phone = ({"type": "phone", "value": f"+{self.phone}"},) if self.phone else ()
        bsuid = ({"type": "whatsapp_user", "value": f"{portfolio}:{self.bsuid}"},) if self.bsuid and portfolio else ()
        return phone + bsuid

    def known_as(self, other: "WhatsAppPerson") -> "WhatsAppPerson":
        """The same person with what ``other``, an entry of ``contacts``, adds."""
        return WhatsAppPerson(
            other.wa_id or self.wa_id,
            self.phone or other.phone,
            self.bsuid or other.bsuid,
            self.parent or other.parent,
        )


def digits(number: Any) -> str:
    """The digits of a number, as text or as a number; empty where there is none."""
    given = identity(number) or ""
    return given if given.isdecimal() and given.isascii() else re.sub(r"[^0-9]", "", given)


def _plain(name: Any) -> str | None:
    """An id, a number without what people put between its digits, as the address book of a phone has it."""
    given = identity(name)
    if not given or (given.isdecimal() and given.isascii()):
        return given
    return re.sub(r"[^+0-9]", "", given) if _WRITTEN.fullmatch(given) else given


def _is_user(name: str) -> bool:
    """Whether this is a BSUID or a parent BSUID, and so no number."""
    return name[2:3] == "." and bool(_BSUID.fullmatch(name) or _PARENT.fullmatch(name))


NOBODY: Final = WhatsAppPerson()


@dataclass(frozen=True, slots=True)
class Roll:
    """The ``contacts`` of one change, by every id they have; ``only`` is the one that all of it must be about."""

    by_name: dict[str, tuple[WhatsAppPerson, Fields]]
    only: tuple[WhatsAppPerson, Fields] | None

    @classmethod
    def of(cls, entries: Iterable[Any], senders: Iterable[WhatsAppPerson], ours: frozenset[str]) -> "Roll":
        """The roll of a change's ``contacts``; ``senders`` are all whom its items name, ``ours`` our own numbers."""
        listed = [
            (
                WhatsAppPerson.named(
                    wa_id=entry.get("wa_id"), bsuid=entry.get("user_id"), parent=entry.get("parent_user_id")
                ),
                fields(entry.get("profile")),
            )
            for entry in entries
            if isinstance(entry, dict)
        ]
        known = [(person, profile) for person, profile in listed if not person.is_any_of(ours)]
        by_name: dict[str, tuple[WhatsAppPerson, Fields]] = {}
        for person, profile in known:
            for name in (*person.names, person.parent):
                if name:
                    by_name.setdefault(name, (person, profile))
        alone = len(known) == 1 and len(set(senders) - {NOBODY}) <= 1
        return cls(by_name, known[0] if alone else None)

    def find(self, person: WhatsAppPerson) -> tuple[WhatsAppPerson, Fields]:
        """The person whom an item names, with what the roll adds, and the profile that the roll has of them."""
        names = (*person.names, person.parent)
        found = next((self.by_name[name] for name in names if name in self.by_name), self.only)
        if found is None:
            return person, {}
        if person.bsuid and person.bsuid == found[0].parent:  # a parent BSUID that looks like any other
            person = person._replace(bsuid=None, parent=person.bsuid)
        if person.bsuid and found[0].bsuid and person.bsuid != found[0].bsuid:
            return person, {}
        return person.known_as(found[0]), found[1]

"""The person that the ids in a WhatsApp webhook mean.

WhatsApp names a person by up to three ids. The *wa_id* names the contact. The *phone* is ``messages[].from`` or
``statuses[].recipient_id``; Meta warns that it and the wa_id may differ, so the wa_id is taken for the phone only where
no phone is given. The *BSUID* is the person's id in one business portfolio; it comes alone where the person has a user
name and hides the number, and it changes with the number.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from services.ingress.core.drafts import fields, identity
from services.ingress.core.normalize import Fields

_PHONE: Final = re.compile(r"\+?([1-9][0-9]{6,14})")
_BSUID: Final = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")


@dataclass(frozen=True, slots=True)
class WhatsAppPerson:
    """A person, by the ids in the body."""

    wa_id: str | None = None
    phone: str | None = None
    bsuid: str | None = None

    @classmethod
    def named(cls, *, phone: Any = None, wa_id: Any = None, bsuid: Any = None) -> "WhatsAppPerson":
        """The person of these ids, each a BSUID, a number or nothing, whatever the body calls it."""
        names = [name for name in (identity(wa_id), identity(phone)) if name]
        numbers = [name.removeprefix("+") for name in names if not _BSUID.fullmatch(name)]
        phones = [match[1] for name in reversed(names) if (match := _PHONE.fullmatch(name))]
        bsuids = [identity(bsuid), *filter(_BSUID.fullmatch, names)]
        return cls(*(next(filter(None, ids), None) for ids in (numbers, phones, bsuids)))

    @property
    def uid(self) -> str | None:
        """The contact's uid: the wa_id, else the BSUID."""
        return self.wa_id or self.bsuid

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
        return WhatsAppPerson(other.wa_id or self.wa_id, self.phone or other.phone, self.bsuid or other.bsuid)


NOBODY: Final = WhatsAppPerson()


@dataclass(frozen=True, slots=True)
class Roll:
    """The ``contacts`` of one change, by every id they have; ``only`` is the one that all of it must be about."""

    by_name: dict[str, tuple[WhatsAppPerson, Fields]]
    only: tuple[WhatsAppPerson, Fields] | None

    @classmethod
    def of(cls, entries: Iterable[Any], senders: Iterable[WhatsAppPerson]) -> "Roll":
        """The roll of a change's ``contacts``; ``senders`` are all whom its items name."""
        known = [
            (WhatsAppPerson.named(wa_id=entry.get("wa_id"), bsuid=entry.get("user_id")), fields(entry.get("profile")))
            for entry in entries
            if isinstance(entry, dict)
        ]
        by_name: dict[str, tuple[WhatsAppPerson, Fields]] = {}
        for person, profile in known:
            for name in (person.bsuid, person.wa_id):
                if name:
                    by_name.setdefault(name, (person, profile))
        alone = len(known) == 1 and len(set(senders) - {NOBODY}) <= 1
        return cls(by_name, known[0] if alone else None)

    def find(self, person: WhatsAppPerson) -> tuple[WhatsAppPerson, Fields]:
        """The person whom an item names, with what the roll adds, and the profile that the roll has of them."""
        found = next((self.by_name[name] for name in (person.bsuid, person.wa_id) if name in self.by_name), self.only)
        if found is None or (person.bsuid and found[0].bsuid and person.bsuid != found[0].bsuid):
            return person, {}
        return person.known_as(found[0]), found[1]

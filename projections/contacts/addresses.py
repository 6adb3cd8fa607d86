"""One address: contacts of one channel account that are one person by the channel's own word (pure).

WhatsApp has a person's number and its BSUID for one chat: two contacts, of which each message may name either. Among
contacts that are one customer, those of one account that share an intrinsic identifier, directly or through others, are
one address. It is subscribed, may be messaged and counts for quota as one.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from projections.consents.folds import join_consents
from projections.consents.tables import ConsentRow
from projections.contacts.records import ContactRecord
from schemas.events.subscription import MARKETING_KINDS


class AddressPlace(NamedTuple):
    """An address's place in the order of subscription: that of the first of its contacts that is subscribed now."""

    subscribed_at: int
    channel: str
    account: str
    uid: str

    @property
    def contact(self) -> str:
        """The contact's key."""
        return ":".join(self[1:])


class Address(NamedTuple):
    """An address: the keys of its contacts, sorted, the consents that hold for all of them, and whether it is valid.

    A valid address (有效聯絡人) is subscribed, was not superseded, and has not opted out of all kinds of marketing. It
    counts for quota at its ``place``, which no other address has.
    """

    contacts: tuple[str, ...]
    consents: tuple[ConsentRow, ...]
    valid: bool
    place: AddressPlace | None = None


def addresses_of(intrinsic: Mapping[str, Iterable[tuple[str, str]]]) -> list[tuple[str, ...]]:
    """The contacts of one customer, by address, sorted.

    ``intrinsic`` has each contact's live intrinsic identifiers, (type, normalised value), by contact key.
    """
    parents: dict[object, object] = {}

    def find(vertex: object) -> object:
        while (parent := parents.setdefault(vertex, vertex)) != vertex:
            parents[vertex] = parents[parent]
            vertex = parents[vertex]
        return vertex

    for key, identifiers in intrinsic.items():
        for identifier in identifiers:
            parents[find(key)] = find((_account(key), identifier))
    together: dict[object, list[str]] = {}
    for key in sorted(intrinsic):
        together.setdefault(find(key), []).append(key)
    return [tuple(keys) for keys in together.values()]


def address_of(records: Collection[ContactRecord]) -> Address:
    """The address that these contacts, at least one, are."""
    keys = tuple(sorted(record.key for record in records))
    consents = join_consents(consent for record in records for consent in record.consents)
    rows = [record.contact for record in records]
    superseded = any(row.superseded_by is not None and row.superseded_by not in keys for row in rows)
    refused = {consent.kind for consent in consents if not consent.allowed}
    places = (
        AddressPlace(row.subscribed_at, row.channel, row.account, row.uid)
        for row in rows
        if row.subscribed_at is not None
    )
    place = None if superseded or refused >= MARKETING_KINDS else min(places, default=None)
    return Address(keys, consents, place is not None, place)


def may_be_messaged(address: Address, kind: str) -> bool:
    """Whether marketing of a kind, one of `MARKETING_KINDS`, may be sent to the address."""
    return address.valid and not any(consent.kind == kind and not consent.allowed for consent in address.consents)


def _account(key: str) -> tuple[str, ...]:
    return tuple(key.split(":", 2)[:2])

"""The evidence of one contact, as its row in ``members`` keeps it.

A decision about a pair belongs to the contact with the lesser contact key.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from projections.identity.resolution.evidence import Decision, Evidence, Holding
from projections.identity.resolution.links import NormalisedIdentifier
from projections.identity.tables import MemberRow
from schemas.events.base import Stamp

_NO_HOLDINGS: Final[Mapping[NormalisedIdentifier, Holding]] = MappingProxyType({})
_NO_DECISIONS: Final[Mapping[str, Decision]] = MappingProxyType({})
NO_EVIDENCE: Final = "[]"


class ContactEvidence(NamedTuple):
    """What a contact stated and what others stated about it. A frozen value.

    ``holdings`` are by type and value as stated, ``decisions`` by the other contact key. ``first_referenced_at`` is
    when another contact first stated this one to be its identifier, in ms.
    """

    holdings: Mapping[NormalisedIdentifier, Holding] = _NO_HOLDINGS
    decisions: Mapping[str, Decision] = _NO_DECISIONS
    first_referenced_at: int | None = None

    def merge(
        self,
        holdings: Mapping[NormalisedIdentifier, Holding],
        decisions: Mapping[str, Decision],
        first_referenced_at: int | None,
    ) -> "ContactEvidence":
        """With more evidence about the same contact."""
        times = [at for at in (self.first_referenced_at, first_referenced_at) if at is not None]
        return ContactEvidence(
            _merged(self.holdings, holdings), _merged(self.decisions, decisions), min(times, default=None)
        )

    @property
    def texts(self) -> tuple[str, str]:
        """Holdings and decisions as their columns keep them; equal ones give equal texts."""
        return _text(self.holdings.items()), _text(((key,), one) for key, one in self.decisions.items())


def _merged(known: Mapping[Any, Any], more: Mapping[Any, Any]) -> Mapping[Any, Any]:
    if not more:
        return known
    return {**known, **{key: known[key].merge(one) if key in known else one for key, one in more.items()}}


def _text(items: Iterable[tuple[tuple[str, ...], tuple[Any, ...]]]) -> str:
    listed = sorted((*key, *one) for key, one in items)
    return orjson.dumps(listed).decode() if listed else NO_EVIDENCE


def evidence_of(row: MemberRow | None) -> ContactEvidence:
    """The evidence that a row keeps; empty where there is no row."""
    if row is None:
        return ContactEvidence()
    return ContactEvidence(_holdings(row.holdings), _decisions(row.decisions), row.first_referenced_at)


def _holdings(text: str) -> Mapping[NormalisedIdentifier, Holding]:
    if text == NO_EVIDENCE:
        return _NO_HOLDINGS
    return {
        (type_name, value): Holding(first_stated_at, *map(_stamp, stamps))
        for type_name, value, first_stated_at, *stamps in orjson.loads(text)
    }


def _stamp(listed: list[Any] | None) -> Stamp | None:
    return (listed[0], listed[1]) if listed else None


def _decisions(text: str) -> Mapping[str, Decision]:
    if text == NO_EVIDENCE:
        return _NO_DECISIONS
    return {other: Decision(*decision) for other, *decision in orjson.loads(text)}


def combine(contacts: Mapping[str, ContactEvidence]) -> Evidence:
    """The evidence of several contacts of one tenant, given by their contact keys."""
    return Evidence(
        frozenset(contacts),
        {contact: one.holdings for contact, one in contacts.items() if one.holdings},
        {(contact, other): made for contact, one in contacts.items() for other, made in one.decisions.items()},
        {contact: one.first_referenced_at for contact, one in contacts.items() if one.first_referenced_at is not None},
    )

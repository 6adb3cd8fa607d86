"""A contact's dossier: what it stated of itself and what was stated about it, as its row keeps it.

A decision is in the dossier of the lesser contact key of its pair.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from projections.identity.resolution.evidence import Decision, Evidence, Holding, Stamp
from projections.identity.resolution.links import Identifier
from projections.identity.tables import MemberRow

_NO_HOLDINGS: Final[Mapping[Identifier, Holding]] = MappingProxyType({})
_NO_DECISIONS: Final[Mapping[str, Decision]] = MappingProxyType({})
NOTHING: Final = "[]"


class ContactEvidence(NamedTuple):
    """A frozen value. ``holdings`` are by type and value as stated, ``decisions`` by the greater contact key."""

    holdings: Mapping[Identifier, Holding] = _NO_HOLDINGS
    decisions: Mapping[str, Decision] = _NO_DECISIONS
    named_at: int | None = None

    def merge(
        self, holdings: Mapping[Identifier, Holding], decisions: Mapping[str, Decision], named_at: int | None
    ) -> "ContactEvidence":
        """With more evidence about the same contact."""
        return ContactEvidence(
            {**self.holdings, **{it: _joined(self.holdings.get(it), one) for it, one in holdings.items()}}
            if holdings
            else self.holdings,
            {**self.decisions, **{it: _joined(self.decisions.get(it), one) for it, one in decisions.items()}}
            if decisions
            else self.decisions,
            min((at for at in (self.named_at, named_at) if at is not None), default=None),
        )

    @property
    def texts(self) -> tuple[str, str]:
        """Holdings and decisions as their columns keep them; equal ones give equal texts."""
        return _text(self.holdings.items()), _text(((key,), one) for key, one in self.decisions.items())


def _joined(known: Any, more: Any) -> Any:
    return known.merge(more) if known else more


def _text(items: Iterable[tuple[tuple[str, ...], tuple[Any, ...]]]) -> str:
    listed = sorted((*key, *one) for key, one in items)
    return orjson.dumps(listed).decode() if listed else NOTHING


def evidence_of(row: MemberRow | None) -> ContactEvidence:
    """The dossier that a row keeps; an empty one where there is no row."""
    if row is None:
        return ContactEvidence()
    return ContactEvidence(_holdings(row.holdings), _decisions(row.decisions), row.named_at)


def _holdings(text: str) -> Mapping[Identifier, Holding]:
    if text == NOTHING:
        return _NO_HOLDINGS
    return {
        (type_name, value): Holding(
            stated,
            _stamp(since),
            _stamp(verified),
            _stamp(claimed),
            _stamp(retracted),
            _stamp(vouched),
            _stamp(restated),
        )
        for type_name, value, stated, since, verified, claimed, retracted, vouched, restated in orjson.loads(text)
    }


def _stamp(listed: list[Any] | None) -> Stamp | None:
    return (listed[0], listed[1]) if listed else None


def _decisions(text: str) -> Mapping[str, Decision]:
    if text == NOTHING:
        return _NO_DECISIONS
    return {
        other: Decision(at, event_id, verdict, stated) for other, at, event_id, verdict, stated in orjson.loads(text)
    }


def evidence_in(dossiers: Mapping[str, ContactEvidence]) -> Evidence:
    """The evidence in the dossiers of contacts, by their keys."""
    return Evidence(
        frozenset(dossiers),
        {contact: one.holdings for contact, one in dossiers.items() if one.holdings},
        {(contact, other): made for contact, one in dossiers.items() for other, made in one.decisions.items()},
        {contact: one.named_at for contact, one in dossiers.items() if one.named_at is not None},
    )

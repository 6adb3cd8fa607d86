"""All customers of a tenant in memory (pure): sets of them by term, columns of their times, and rows of what they have.

It is what the customer rows are at one turn of the composer. Who changes it has to bring it to another turn at once:
nobody may ask meanwhile.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
from pyroaring import BitMap

from projections.customers.index.attributes import ValuesHeld
from projections.customers.index.columns import MISSING, GrowingColumn
from projections.customers.index.contacts import ContactColumns
from projections.customers.index.customer_ids import CustomerIds
from projections.customers.index.postings import Postings
from projections.customers.index.rows import CustomerToIndex, Loaded
from projections.customers.index.tags import TaggingRow, TaggingsHeld, taggings_in
from projections.customers.terms import Term

LATEST: Final = ("last_customer", "last_team", "last_marketing")
TIMES: Final = (*LATEST, "first_seen")
_LATER: Final = 0.1  # of the customers may have come after the others before all are loaded anew
_FEW: Final = 10_000  # that may besides


class CustomerIndex:
    """What searches ask of a tenant's customers, each of which has a number."""

    def __init__(self) -> None:
        self.ids = CustomerIds()
        self.everybody = BitMap()
        self.times = {name: GrowingColumn(np.int64) for name in TIMES}
        self.valid_since = GrowingColumn(np.int64)
        self.contact_counts = GrowingColumn(np.int32)
        self.contacts = ContactColumns()
        self.tags: dict[str, TaggingsHeld] = {}
        self.attributes: dict[str, ValuesHeld] = {}
        self.terms = Postings()
        self.grams = Postings()
        self.names: dict[int, Term] = {}  # of the terms, as far as they are known
        self._facts = GrowingColumn(np.int64)  # hashes of what tags and attributes come from

    def __len__(self) -> int:
        """How many customers there are."""
        return len(self.everybody)

    @property
    def size(self) -> int:
        """How many numbers customers have or had."""
        return len(self.ids)

    @property
    def memory(self) -> int:
        """The memory that it takes, about."""
        columns = (*self.times.values(), self.valid_since, self.contact_counts, self._facts)
        rest = self.ids.memory + self.contacts.memory + self.terms.memory + self.grams.memory
        return rest + sum(one.memory for one in columns) + sum(one.memory for one in self._owned)

    @property
    def is_worn(self) -> bool:
        """Whether so much has changed that it is better loaded anew."""
        return self.ids.later > _LATER * self.size + _FEW

    @property
    def unnamed(self) -> list[int]:
        """The terms of which the names are not known."""
        return [one for one in self.terms.ids if one not in self.names]

    def add(self, loaded: Loaded) -> None:
        """Take in customers that are new."""
        rows, contacts = _by_customer(loaded)
        if not rows:
            return
        numbers = self.ids.add([row.customer_id for row in rows])
        self.everybody |= BitMap(numbers)
        for name, column in self.times.items():
            column.extend([_time(getattr(row, f"{name}_at")) for row in rows])
        self.valid_since.extend([_time(row.valid_since) for row in rows])
        self.contact_counts.extend([row.contacts for row in rows])
        self._facts.extend([_facts_of(row) for row in rows])
        self.terms.add(numbers, [row.terms for row in rows])
        self.grams.add(numbers, [row.grams for row in rows])
        owned = [(number, one) for number, row in zip(numbers, rows, strict=True) for one in contacts[row.customer_id]]
        self.contacts.append([number for number, _ in owned], [one for _, one in owned])
        self._add_facts(numbers, rows)

    def replace(self, ids: Collection[bytes], loaded: Loaded) -> None:
        """Take in what customers are now; those of the ``ids`` that were not loaded are none any more."""
        rows, contacts = _by_customer(loaded)
        known = dict(zip(ids, self.ids.numbers([*ids]), strict=True))
        own = {number: row for row in rows if (number := known[row.customer_id]) is not None}
        gone = [number for one, number in known.items() if number is not None and number not in own]
        for number, row in own.items():
            self._replace(number, row, contacts[row.customer_id])
        numbers, nothing = [*own, *gone], [b""] * len(gone)
        for one in self.terms.replace(numbers, [*(row.terms for row in own.values()), *nothing]):
            self.names.pop(one, None)
        self.grams.replace(numbers, [*(row.grams for row in own.values()), *nothing])
        self._replace_facts({n: row for n, row in own.items() if self._facts.array[n] != _facts_of(row)})
        self._forget(gone)
        new = {row.customer_id for row in rows if known[row.customer_id] is None}
        self.add(Loaded([row for row in rows if row[0] in new], [one for one in loaded.contacts if one[0] in new]))

    def see(self, loaded: Loaded) -> None:
        """Take in latest times: of customers, and of their contacts, that are the same as before."""
        numbers = dict(zip((row[0] for row in loaded.customers), self._known(loaded.customers), strict=True))
        rows = [(number, row) for row in loaded.customers if (number := numbers[row[0]]) is not None]
        at = [number for number, _ in rows]
        for place, name in enumerate(LATEST, 1):
            self.times[name].array[at] = [_time(row[place]) for _, row in rows]
        owned = [(number, one) for one in loaded.contacts if (number := numbers.get(one[0])) is not None]
        self.contacts.see([number for number, _ in owned], [one[1:] for _, one in owned])

    def _known(self, rows: Sequence[Any]) -> list[int | None]:
        return self.ids.numbers([row[0] for row in rows])

    def _replace(self, number: int, row: CustomerToIndex, contacts: Sequence[Any]) -> None:
        self.everybody.add(number)
        for name, column in self.times.items():
            column[number] = _time(getattr(row, f"{name}_at"))
        self.valid_since[number] = _time(row.valid_since)
        self.contact_counts[number] = row.contacts
        self.contacts.replace(number, contacts)

    def _forget(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        gone = BitMap(numbers)
        self.everybody -= gone
        for number in numbers:
            self.contacts.replace(number, ())
            self._facts[number] = 0
        for owned in self._owned:
            for number in owned.customers & gone:
                owned.remove(number)
        self.tags = {tag: one for tag, one in self.tags.items() if one.customers}
        self.attributes = {key: one for key, one in self.attributes.items() if one.customers}

    def _add_facts(self, numbers: Iterable[int], rows: Iterable[CustomerToIndex]) -> None:
        tagged: dict[str, tuple[list[int], list[TaggingRow]]] = {}
        valued: dict[str, tuple[list[int], list[Any]]] = {}
        for number, row in zip(numbers, rows, strict=True):
            for tag, parts in _tags_of(row).items():
                owners, taggings = tagged.setdefault(tag, ([], []))
                owners += [number] * len(parts)
                taggings += parts
            for key, value in _values_of(row).items():
                owners, values = valued.setdefault(key, ([], []))
                owners.append(number)
                values.append(value)
        for tag, (owners, taggings) in tagged.items():
            self._taggings(tag).append(owners, taggings)
        for key, (owners, values) in valued.items():
            self._values(key).append(owners, values)

    def _replace_facts(self, rows: Mapping[int, CustomerToIndex]) -> None:
        changed = BitMap(rows)
        tags = {number: _tags_of(row) for number, row in rows.items()}
        values = {number: _values_of(row) for number, row in rows.items()}
        for held, now in ((self.tags, tags), (self.attributes, values)):
            self._remove(held, changed, now)
        for number, row in rows.items():
            for tag, parts in tags[number].items():
                self._taggings(tag).replace(number, parts)
            for key, value in values[number].items():
                self._values(key).replace(number, value)
            self._facts[number] = _facts_of(row)

    @staticmethod
    def _remove(
        held: Mapping[str, TaggingsHeld | ValuesHeld], changed: BitMap, now: Mapping[int, Mapping[str, Any]]
    ) -> None:
        """Take off what the changed customers had, and have not now."""
        for name, one in held.items():
            if one.customers.intersect(changed):
                for number in one.customers & changed:
                    if name not in now[number]:
                        one.remove(number)

    @property
    def _owned(self) -> list[TaggingsHeld | ValuesHeld]:
        return [*self.tags.values(), *self.attributes.values()]

    def _taggings(self, tag: str) -> TaggingsHeld:
        return self.tags.setdefault(tag, TaggingsHeld()) if tag not in self.tags else self.tags[tag]

    def _values(self, key: str) -> ValuesHeld:
        return self.attributes.setdefault(key, ValuesHeld()) if key not in self.attributes else self.attributes[key]


def _by_customer(loaded: Loaded) -> tuple[list[CustomerToIndex], dict[bytes, list[Any]]]:
    """The rows, and the contacts of each customer."""
    contacts: dict[bytes, list[Any]] = {row[0]: [] for row in loaded.customers}
    for one in loaded.contacts:
        contacts[one[0]].append(one)
    return [CustomerToIndex._make(row) for row in loaded.customers], contacts


def _time(at: int | None) -> int:
    return MISSING if at is None else at


def _facts_of(row: CustomerToIndex) -> int:
    return hash((row.tags, row.attributes))


def _tags_of(row: CustomerToIndex) -> dict[str, list[TaggingRow]]:
    return {tag: taggings_in(parts) for tag, parts in orjson.loads(row.tags).items()}


def _values_of(row: CustomerToIndex) -> dict[str, Any]:
    return {key: value for key, (_, value, _) in orjson.loads(row.attributes).items()}

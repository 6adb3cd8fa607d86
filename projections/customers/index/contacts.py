"""The contacts of all customers in columns, and the conditions on one contact (pure)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, Final, NamedTuple

import numpy as np

from projections.customers.index.coding import Coded
from projections.customers.index.columns import MISSING, Array, Mask, OwnedRows
from projections.customers.index.comparing import time_mask
from projections.customers.index.rows import ContactToIndex
from projections.customers.search import filters
from projections.customers.search.asking import AskedAt

_CODED: Final = ("channel", "account", "bound", "staff", "branch", "opted_out", "notified")
_LATEST: Final = ("last_customer_at", "last_team_at", "last_marketing_at")
_TIMES: Final = ("subscribed_at", "counted_at", "first_seen_at", *_LATEST)
_KINDS: Final[dict[str, Any]] = {
    **dict.fromkeys(_CODED, np.int32),
    "subscribed": np.int8,
    "valid": np.bool_,
    **dict.fromkeys(_TIMES, np.int64),
}
_TIME_OF: Final[dict[type[filters.Condition], str]] = {
    filters.ByLastCustomer: "last_customer",
    filters.ByLastTeam: "last_team",
    filters.ByLastMarketing: "last_marketing",
    filters.ByFirstSeen: "first_seen",
    filters.BySubscribedAt: "subscribed",
}
_WORDS: Final[dict[type[filters.Condition], str]] = {
    filters.ByChannel: "channel",
    filters.ByAccount: "account",
    filters.ByBinding: "bound",
    filters.ByStaff: "staff",
    filters.ByBranch: "branch",
}
_LISTS: Final[dict[type[filters.Condition], str]] = {filters.ByOptOut: "opted_out", filters.ByNotifications: "notified"}
_UNKNOWN: Final = -1  # whether it is subscribed


class OverQuota(NamedTuple):
    """Who is beyond the quota: whoever counts since later than ``at``, and of those of that very time some customers.

    ``customers`` are instead all those beyond it, by number, where the quota is one of customers.
    """

    at: int | None = None
    at_that_time: Collection[int] = ()
    customers: Mask | None = None


class ContactColumns:
    """The contacts, each in one row of several columns."""

    def __init__(self) -> None:
        self._rows = OwnedRows(**_KINDS)
        self._coded = {name: Coded() for name in _CODED}

    @property
    def memory(self) -> int:
        """The memory that it takes, about."""
        return self._rows.memory + 200 * sum(map(len, self._coded.values()))

    @property
    def living(self) -> int:
        """How many contacts there are."""
        return self._rows.living

    def append(self, owners: Sequence[int], contacts: Sequence[Any]) -> None:
        """Contacts of customers that had none, in the order of their numbers."""
        columns = dict(zip(ContactToIndex._fields, zip(*contacts, strict=True), strict=True)) if contacts else {}
        if columns:
            self._rows.append(owners, {name: self._stored(name, columns[name]) for name in _KINDS})

    def replace(self, owner: int, contacts: Sequence[Any]) -> None:
        """The contacts of a customer."""
        columns = dict(zip(ContactToIndex._fields, zip(*contacts, strict=True), strict=True)) if contacts else {}
        stored = [self._stored(name, columns[name]) for name in _KINDS] if columns else []
        self._rows.replace(owner, [*zip(*stored, strict=True)])

    def see(self, owners: Sequence[int], times: Sequence[Sequence[int | None]]) -> None:
        """The latest times of customers' contacts, which are the same as before and in the same order."""
        places = self._rows.places(owners)
        for name, values in zip(_LATEST, zip(*times, strict=True), strict=True) if times else ():
            self._rows[name][places] = self._stored(name, values)

    def owners(self, node: filters.FilterNode, asked: AskedAt, over: OverQuota) -> Array:
        """The customers with a contact for which the condition holds; some more than once."""
        holds = _ContactEvaluation(self._rows, self._coded, asked, over).of(node)
        return self._rows.owners[holds & self._rows.alive]

    def _stored(self, name: str, values: Sequence[Any]) -> list[Any]:
        if name in self._coded:
            code = self._coded[name].code
            return [code(tuple(value) if isinstance(value, list) else value) for value in values]
        if name == "valid":
            return [*values]
        missing = _UNKNOWN if name == "subscribed" else MISSING
        return [missing if value is None else value for value in values]


class _ContactEvaluation:
    """Evaluates conditions for every contact at once."""

    def __init__(self, rows: OwnedRows, coded: Mapping[str, Coded], asked: AskedAt, over: OverQuota) -> None:
        self._rows = rows
        self._coded = coded
        self._asked = asked
        self._over = over

    def of(self, node: filters.FilterNode) -> Mask:
        """For which rows the condition holds; of those that are none any more it may say anything."""
        match node:
            case filters.All(all=parts):
                return reduce(and_, map(self.of, parts))
            case filters.AnyOf(any=parts):
                return reduce(or_, map(self.of, parts))
            case filters.Not(not_=part):
                return ~self.of(part)
            case filters.BySubscription() | filters.ByValidity():
                name = filters.key_of(node)
                holds: Mask = self._rows[name] == getattr(node, name)
                return holds
            case filters.ByQuota(over_quota=over):
                valid: Mask = self._rows["valid"]
                return valid & (self._beyond() if over else ~self._beyond())
            case _:
                return self._value(node)

    def _value(self, node: filters.FilterNode) -> Mask:
        if field := _TIME_OF.get(type(node)):
            return time_mask(getattr(node, filters.key_of(node)), self._rows[f"{field}_at"], self._asked.now)
        wanted = getattr(node, filters.key_of(node))
        if column := _WORDS.get(type(node)):
            return self._where(column, wanted, lambda value, listed: value in listed)
        return self._where(_LISTS[type(node)], wanted, lambda value, listed: not listed.isdisjoint(value))

    def _where(
        self,
        column: str,
        wanted: bool | Sequence[str],  # noqa: FBT001 - the field's value
        holds: Callable[[Any, frozenset[str]], bool],
    ) -> Mask:
        """The rows with a value for which it holds; of a flag, those with any value, or without one."""
        listed = frozenset[str]() if isinstance(wanted, bool) else frozenset(wanted)

        def fulfils(value: Any) -> bool:
            has_one = value is not None and value != ()
            return has_one is wanted if isinstance(wanted, bool) else has_one and holds(value, listed)

        return self._coded[column].where(fulfils)[self._rows[column]]

    def _beyond(self) -> Mask:
        if self._over.customers is not None:
            return self._over.customers[self._rows.owners]
        if self._over.at is None:
            return np.zeros(len(self._rows), dtype=np.bool_)
        counted = self._rows["counted_at"]
        beyond: Mask = counted > self._over.at
        if self._over.at_that_time:
            same = np.flatnonzero(counted == self._over.at)
            beyond[same] = np.isin(self._rows.owners[same], [*self._over.at_that_time])
        return beyond

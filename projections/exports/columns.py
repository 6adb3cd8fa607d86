"""What each column of an export says of a row (pure).

A row is one customer with its contacts, or one contact: then it has that contact alone.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from projections.customers.search.asking import AskedAt
from projections.exports.cells import joined, neutral
from projections.exports.headings import heading
from projections.exports.order import ColumnName, ExportOrder

Cell = str | int | float
_BSUID: Final = re.compile(r"[A-Z]{2}\.")
_NUMBER: Final = re.compile(r"\+[0-9]{3,20}")
_MS: Final = 1000
_TO_SECONDS: Final = len("2026-03-01T00:00:00")


class ExportedContact(NamedTuple):
    """A contact as a row has it; times in ms. It counts for quota since ``counted_at`` as ``counted_as``."""

    contact: str
    subscribed: bool | None
    subscribed_at: int | None
    valid: bool
    staff: str | None
    branch: str | None
    opted_out: Sequence[str]
    counted_at: int | None
    counted_as: str | None


class ExportedRow(NamedTuple):
    """What a row is made of; times in ms.

    ``valid_since`` is the customer's place in a quota of customers. ``attributes`` has a value by key.
    """

    customer_id: UUID
    member_id: str | None
    phone: str | None
    email: str | None
    valid_since: int | None
    name: str | None
    first_seen_at: int
    last_customer_at: int | None
    last_team_at: int | None
    last_marketing_at: int | None
    tags: Sequence[str]
    attributes: Mapping[str, Any]
    contacts: Sequence[ExportedContact]


Show = Callable[[ExportedRow], Cell]


class ExportTable:
    """The header and the cells of an export, asked at a moment. No cell of text begins like a formula."""

    def __init__(self, order: ExportOrder, attributes: Sequence[str], asked: AskedAt) -> None:
        """``attributes`` are the keys of the further columns."""
        self._write_time = _time_writer(order.time_zone)
        self._asked = asked
        self.header = [neutral(heading(name, order.header)) for name in order.columns] + [*attributes]
        self._shown = [*map(self._show, order.columns), *(_attribute(key) for key in attributes)]

    def cells(self, row: ExportedRow) -> list[Cell]:
        """The cells of a row, in the order of the header."""
        return [show(row) for show in self._shown]

    def _show(self, column: ColumnName) -> Show:
        if column in _TIMES:
            return lambda row: self._write_time(getattr(row, column))
        if column == "subscribed_at":
            return lambda row: self._write_time(_since(row))
        if column == "over_quota":
            return lambda row: _yes(any(self._is_over(row, one) for one in row.contacts))
        return _SHOWN[column]

    def _is_over(self, row: ExportedRow, one: ExportedContact) -> bool:
        """Whether the contact is valid and beyond the quota."""
        if (last := self._asked.customer_end) is not None:
            return one.valid and row.valid_since is not None and (row.valid_since, row.customer_id) > last
        if (end := self._asked.quota_end) is None or not one.valid or one.counted_at is None:
            return False
        channel, account, _ = one.contact.split(":", 2)
        return (one.counted_at, channel, f"{channel}:{account}", one.counted_as or "") > end.place


def tags_of_customer(stored: str, now: int) -> list[str]:
    """The tags in a customer's row (`CustomerSummaryRow.tags`) that have not run out, sorted."""
    if stored == "{}":
        return []
    found: dict[str, list[tuple[int, int, int | None]]] = orjson.loads(stored)
    return sorted(tag for tag, ends in found.items() if any(end is None or end > now for _, _, end in ends))


def attributes_of_customer(stored: str) -> dict[str, Any]:
    """The values in a customer's row (`CustomerSummaryRow.attributes`), by key."""
    return {} if stored == "{}" else {key: value for key, (_, value, _) in orjson.loads(stored).items()}


def _time_writer(zone: ZoneInfo | None) -> Callable[[int | None], str]:
    def utc(time: int | None) -> str:
        if time is None:
            return ""
        return f"{datetime.fromtimestamp(time // _MS, UTC).isoformat()[:_TO_SECONDS]}.{time % _MS:03}Z"

    def local(time: int | None) -> str:
        if time is None:
            return ""
        return datetime.fromtimestamp(time // _MS, zone).isoformat(" ")[:_TO_SECONDS]

    return utc if zone is None else local


def _on(channel: str) -> Show:
    """The user ids on a channel."""
    prefix = f"{channel}:"

    def show(row: ExportedRow) -> str:
        uids = [one.contact.split(":", 2)[2] for one in row.contacts if one.contact.startswith(prefix)]
        return _list(uids) if uids else ""

    return show


def _whatsapp(*, bsuid: bool) -> Show:
    """The numbers on WhatsApp; with ``bsuid``, the ids of people whose number is not known."""

    def show(row: ExportedRow) -> str:
        uids = [one.contact.split(":", 2)[2] for one in row.contacts if one.contact.startswith("whatsapp:")]
        return _list([uid for uid in uids if bool(_BSUID.match(uid)) is bsuid]) if uids else ""

    return show


def _attribute(key: str) -> Show:
    def show(row: ExportedRow) -> Cell:
        value = row.attributes.get(key)
        if value is None:
            return ""
        if isinstance(value, bool):
            return _yes(value)
        return neutral(value) if isinstance(value, str) else value

    return show


def _field(name: str) -> Show:
    def show(row: ExportedRow) -> str:
        value = getattr(row, name)
        return neutral(value) if value else ""

    return show


def _phone(row: ExportedRow) -> str:
    """A number as customers have it, ``+886…``, is no formula and stays; anything else is a text."""
    value = row.phone or ""
    return value if _NUMBER.fullmatch(value) else neutral(value)


def _of_contacts(part: Callable[[ExportedContact], str | None]) -> Show:
    return lambda row: _list(sorted({value for one in row.contacts if (value := part(one))}))


def _opted_out(row: ExportedRow) -> str:
    return _list(sorted({kind for one in row.contacts for kind in one.opted_out}))


def _subscription(row: ExportedRow) -> str:
    states = {one.subscribed for one in row.contacts}
    return "subscribed" if True in states else "blocked" if False in states else "none"


def _since(row: ExportedRow) -> int | None:
    times = (one.subscribed_at for one in row.contacts if one.subscribed and one.subscribed_at is not None)
    return min(times, default=None)


def _list(texts: Iterable[str]) -> str:
    return neutral(joined(texts))


def _yes(value: bool) -> str:  # noqa: FBT001 - the cell's value
    return "true" if value else "false"


_TIMES: Final = frozenset({"first_seen_at", "last_customer_at", "last_team_at", "last_marketing_at"})
_SHOWN: Final[dict[ColumnName, Show]] = {
    "customer_id": lambda row: str(row.customer_id),
    "contact": _of_contacts(lambda one: one.contact),
    "channel": _of_contacts(lambda one: one.contact.split(":", 1)[0]),
    "account": _of_contacts(lambda one: one.contact.split(":", 2)[1]),
    "line_uid": _on("line"),
    "facebook_psid": _on("facebook"),
    "instagram_igsid": _on("instagram"),
    "whatsapp_number": _whatsapp(bsuid=False),
    "whatsapp_bsuid": _whatsapp(bsuid=True),
    "member_id": _field("member_id"),
    "name": _field("name"),
    "phone": _phone,
    "email": _field("email"),
    "channels": _of_contacts(lambda one: one.contact.split(":", 1)[0]),
    "tags": lambda row: _list(row.tags) if row.tags else "",
    "subscription": _subscription,
    "valid": lambda row: _yes(any(one.valid for one in row.contacts)),
    "opted_out": _opted_out,
    "staff": _of_contacts(lambda one: one.staff),
    "branch": _of_contacts(lambda one: one.branch),
}

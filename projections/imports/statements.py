"""What a row of a file states about one customer or contact (pure)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from math import isfinite
from typing import Final, NamedTuple

import phonenumbers

from projections.exports.cells import restored, split
from projections.identity.resolution.contact_uids import one_uid
from projections.identity.resolution.contact_values import contact_values
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.imports.errors import RowRefused
from projections.imports.order import ATTRIBUTE, ImportOrder
from projections.imports.rows import CellValue, SourceRow
from schemas.events.profile import AttributeType

UNASSIGNED: Final = "UNASSIGNED"
AttributeContent = bool | int | float | str
_MOST_WORD: Final = 255
_MOST_TEXT: Final = 1_000
_MOST_TAGS: Final = 100
_EXACT: Final = 10**15  # a workbook keeps fifteen digits of a number
_IMPORT_PHONE: Final = re.compile(r"[1-9][0-9 ().-]{6,24}")
_MOST_WHOLE: Final = 2**63
_NO_DIGITS: Final = re.compile(r"[ ().-]")
_YEAR_FIRST: Final = re.compile(
    r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[T ]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?"
)
_COMMAS: Final = re.compile(r"[,\uff0c\u3001]")
_TRUE: Final = frozenset({"true", "yes", "y", "1", "是", "真"})
_FALSE: Final = frozenset({"false", "no", "n", "0", "否", "假"})


class StatedAttribute(NamedTuple):
    """A custom attribute's value, with the type of its definition, if there is one."""

    key: str
    value: AttributeContent
    type: AttributeType | None


class RowStatement(NamedTuple):
    """What a row states; what is empty states nothing.

    ``uid`` names the contact, or the member. ``identifiers`` are (type, value). ``staff`` is the member of staff and
    the branch; a pair of empty texts takes them off. ``digits_only`` says that the member id was a number in a
    workbook, which has lost the zeros that it may have begun with.
    """

    line: int
    uid: str
    name: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    attributes: tuple[StatedAttribute, ...] = ()
    staff: tuple[str, str] | None = None
    digits_only: bool = False


class RowReader:
    """Reads rows: by their columns' fields, the tenant's definitions of attributes, and its policy of identity."""

    def __init__(
        self, order: ImportOrder, fields: Sequence[str], types: Mapping[str, AttributeType], policy: Policy
    ) -> None:
        self._order = order
        self._fields = fields
        self._types = types
        self._policy = policy

    def read(self, row: SourceRow) -> RowStatement:
        """What the row states. Raises RowRefused."""
        if row.problem:
            raise RowRefused("unreadable", row.problem)
        if len(row.cells) > len(self._fields) and any(cell != "" for cell in row.cells[len(self._fields) :]):
            raise RowRefused("too_many_cells", "the row has more cells than there are columns")
        cells = [(field, _clean(cell)) for field, cell in zip(self._fields, row.cells, strict=False) if cell != ""]
        by_field = {field: cell for field, cell in cells if cell != ""}
        uid = self._uid(by_field, [cell for field, cell in cells if field == "uid" and cell != ""])
        return RowStatement(
            row.line,
            uid,
            _text(by_field.get("name"), "name", _MOST_TEXT) or None,
            tuple(self._identifiers(by_field)),
            _tags([cell for field, cell in cells if field == "tags" and cell != ""]),
            tuple(self._attributes(by_field)),
            _staff(by_field),
            digits_only=not isinstance(by_field.get("member_id", ""), str),
        )

    def _uid(self, cells: Mapping[str, CellValue], uids: Sequence[CellValue]) -> str:
        if self._order.kind == "customers":
            return _word(cells.get("member_id"), "member_id", "no_member_id", "the row has no member id")
        channel, account = self._order.place
        self._check_place(
            _text(cells.get("channel"), "channel", _MOST_WORD).casefold() or channel,
            _text(cells.get("account"), "account", _MOST_WORD) or account,
        )
        if "contact" in cells:
            parts = _text(cells["contact"], "contact", _MOST_TEXT).split(":", 2)
            if len(parts) < len(("channel", "account", "uid")):
                raise RowRefused("no_uid", "a contact is written as channel:account:uid")
            self._check_place(parts[0], parts[1])
            uids = [*uids, parts[2]]
        found = {one_uid(channel, _exact(one, "uid").strip()) for one in uids} - {""}
        if len(found) > 1 or any(len(split(one)) > 1 for one in found):
            raise RowRefused("several_contacts", "the row names several contacts; a row of contacts is of one")
        detail = f"the row has no user id of {channel}; rows of another channel need an import of their own"
        return _word(next(iter(found), None), "uid", "no_uid", detail)

    def _check_place(self, channel: str, account: str) -> None:
        """Raises RowRefused for a row of another account: an export may hold several."""
        if (channel, account) != self._order.place:
            raise RowRefused(
                "another_account",
                f"the row is of {channel} {account}, and this import of {' '.join(self._order.place)}: import the "
                f"refused rows again with channel={channel} and account={account}",
            )

    def _identifiers(self, cells: Mapping[str, CellValue]) -> Iterator[tuple[str, str]]:
        if self._order.kind == "contacts" and "member_id" in cells:
            yield "member_id", _word(cells["member_id"], "member_id", "no_member_id", "this is no member id")
        for field in ("phone", "email"):
            if text := _text(cells.get(field), field, _MOST_TEXT):
                for value in contact_values(field, text):
                    stated = import_phone(value) if field == "phone" else value
                    if not isinstance(normalise(field, stated, self._policy), Normalised):
                        raise RowRefused(f"no_{field}", f"the {field} can't be read as one, or is on the blocklist")
                    yield field, stated

    def _attributes(self, cells: Mapping[str, CellValue]) -> Iterator[StatedAttribute]:
        for field, cell in cells.items():
            if field.startswith(ATTRIBUTE):
                key = field.removeprefix(ATTRIBUTE)
                yield _attribute(key, cell, self._types.get(key))


def import_phone(text: str) -> str:
    """The number in E.164 where it is in the form of import files: a country's code and digits, without a plus."""
    if not _IMPORT_PHONE.fullmatch(text):
        return text
    number = f"+{_NO_DIGITS.sub('', text)}"
    with suppress(phonenumbers.NumberParseException):
        if phonenumbers.is_valid_number(phonenumbers.parse(number)):
            return number
    return text


def _clean(cell: CellValue) -> CellValue:
    return restored(cell).strip() if isinstance(cell, str) else cell


def _exact(cell: CellValue, field: str) -> str:
    """A cell as text. Raises RowRefused for a number whose digits a workbook does not keep."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        if not isfinite(cell) or (field != "number" and abs(cell) >= _EXACT):
            raise RowRefused("digits_lost", f"{field} is a number of more than 15 digits, of which Excel keeps 15")
        return str(int(cell)) if cell == int(cell) else repr(cell)
    return cell if isinstance(cell, str) else cell.isoformat()


def _text(cell: CellValue | None, field: str, most: int) -> str:
    text = "" if cell is None else _exact(cell, field)
    if len(text) > most:
        raise RowRefused("too_long", f"{field} has more than {most} characters")
    if "\x00" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise RowRefused("unreadable", f"{field} has characters that can't be kept")
    return text


def _word(cell: CellValue | None, field: str, reason: str, detail: str) -> str:
    text = _text(cell, field, _MOST_WORD).strip()
    if not text:
        raise RowRefused(reason, detail)
    return text


def _tags(cells: Sequence[CellValue]) -> tuple[str, ...]:
    """The tags in the cells: separated by a semicolon, as in exports, or by a comma where there is no semicolon."""
    found: list[str] = []
    for cell in cells:
        text = _text(cell, "tags", 32_767)
        parts = split(text) if ";" in text or "\\" in text else _COMMAS.split(text)
        found += [one for part in parts if (one := part.strip())]
    tags = tuple(dict.fromkeys(found))
    if len(tags) > _MOST_TAGS or any(len(tag) > _MOST_WORD for tag in tags):
        raise RowRefused(
            "too_many_tags", f"a row has at most {_MOST_TAGS} tags, each of at most {_MOST_WORD} characters"
        )
    return tags


def _staff(cells: Mapping[str, CellValue]) -> tuple[str, str] | None:
    """The member of staff and the branch: both, or neither."""
    staff, branch = (_text(cells.get(field), field, _MOST_WORD) for field in ("staff", "branch"))
    if UNASSIGNED in {staff.upper(), branch.upper()} and {staff.upper(), branch.upper()} <= {UNASSIGNED, ""}:
        return ("", "")
    if UNASSIGNED in {staff.upper(), branch.upper()} or bool(staff) != bool(branch):
        raise RowRefused("half_a_binding", "the member of staff and the branch go together: both, or neither")
    return (staff, branch) if staff else None


def _attribute(key: str, cell: CellValue, type_name: AttributeType | None) -> StatedAttribute:
    value = _VALUES[type_name](cell)
    if value is None:
        raise RowRefused("wrong_type", f"{key} is defined as {type_name}, and the cell is none")
    if isinstance(value, str):
        _text(value, key, _MOST_TEXT)
    return StatedAttribute(key, value, type_name)


def _number(cell: CellValue) -> AttributeContent | None:
    if isinstance(cell, bool) or not isinstance(cell, int | float | str):
        return None
    try:
        number = float(cell.replace(",", "")) if isinstance(cell, str) else float(cell)
    except ValueError:
        return None
    if not isfinite(number):
        return None
    return int(number) if number == int(number) and abs(number) < 2**53 else number


def _flag(cell: CellValue) -> AttributeContent | None:
    if isinstance(cell, bool):
        return cell
    text = _exact(cell, "number").casefold()
    return True if text in _TRUE else False if text in _FALSE else None


def _moment(cell: CellValue) -> datetime | None:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day, tzinfo=UTC)
    if (found := _YEAR_FIRST.fullmatch(cell if isinstance(cell, str) else "")) is None:
        return None
    try:
        return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:
        return None


def _date(cell: CellValue) -> AttributeContent | None:
    moment = _moment(cell)
    return None if moment is None else moment.date().isoformat()


def _datetime(cell: CellValue) -> AttributeContent | None:
    """ISO 8601 as it is written; other forms without a zone."""
    if isinstance(cell, str):
        with suppress(ValueError):
            datetime.fromisoformat(cell)
            return cell
    moment = _moment(cell)
    return None if moment is None else moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _untyped(cell: CellValue) -> AttributeContent:
    if isinstance(cell, int | float) and not (isfinite(cell) and abs(cell) < _MOST_WHOLE):
        raise RowRefused("digits_lost", "a number is beyond what can be kept")
    return cell if isinstance(cell, bool | int | float | str) else cell.isoformat()


_VALUES: Final = {
    "text": lambda cell: _exact(cell, "number"),
    "number": _number,
    "boolean": _flag,
    "date": _date,
    "datetime": _datetime,
    None: _untyped,
}

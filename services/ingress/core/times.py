"""Times as senders write them, read by every translator and route; where several readings are possible, by none.

- *Numbers*, also as text: milliseconds, seconds, micro- or nanoseconds since 1970. The unit is the first of these that
  gives a time from 1973 to 9999. Text of fourteen digits is ``YYYYMMDDhhmmss``, of eight ``YYYYMMDD``.
- *Year first*: ISO 8601 and RFC 3339 in the extended and the basic form, with ``/``, ``.`` or 年月日 between the parts.
- *With the month's name*: RFC 2822, RFC 1123 and RFC 850, ``asctime``, and what JavaScript, Java, Go and Ruby print.

A time without a zone is UTC; a blank before ``08:00`` was a ``+`` in an address. Not read: a zone's name that several
countries use (``CST``), numbers whose day and month can't be told apart (``03/04/2026``), and words (``yesterday``).
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from schemas.events.base import EARLIEST_MS, LATEST_MS

FUTURE_SLACK_MS: Final = 300_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_LONGEST: Final = 100
_DIGITS_OF_SECONDS: Final = 10  # from 2001 to 2286; WhatsApp's every time is such a text
_LARGEST: Final = 10**20
_UNITS: Final = (Decimal(1), Decimal(1000), Decimal("1e-3"), Decimal("1e-6"))  # ms, s, µs, ns
_NUMBER: Final = re.compile(r"(?!\d{14}$|\d{8}$)\d{1,20}(?:\.\d{1,9})?", re.ASCII)
_SPACE: Final = re.compile(r"\s+")
_REMARK: Final = re.compile(r" ?(?:\([^()]*\)|\[[^\[\]]*\])$")
_IDEOGRAPHS: Final = str.maketrans(
    {**dict.fromkeys("年月", "-"), "日": " ", "\u2212": "-", **dict.fromkeys("時时點点分", ":"), "秒": ""}
)
_OFFSET_PARTS: Final = re.compile(r"[ +-](\d\d?):?(\d\d)?")
_LAST_OF_THIS_CENTURY: Final = "68"  # of years of two digits, as POSIX reads them
_NOON: Final = 12
_SIXTY: Final = 60  # of seconds, a leap second
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED_ZONES: Final = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", ""), 0),
    "edt": -4,
    "est": -5,
    "cdt": -5,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
}

_DATE_FIRST: Final = r"(?P<year>\d{4})(?P<dash>[-/.])(?P<month>\d{1,2})(?P=dash)(?P<day>\d{1,2})"
_HOURS: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?:(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,12}))?)?)?"
_TIME: Final = rf"(?:(?P<before>[上下]午) ?)?{_HOURS}(?: ?(?P<after>[ap])\.?m\.?)?"
_ZONE: Final = (
    r"(?: ?(?P<zone>z|utc?|gmt|[ecmp]dt|[emp]st)| ?(?:utc|gmt)?(?P<offset>[+-]\d\d?(?::?\d\d)?| \d\d:\d\d)"
    r"(?: [a-z]{2,5})?(?: m=\S+)?)?"
)
_DAY_NAME: Final = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"
_MONTH: Final = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_BASIC_DATE: Final = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
_BASIC_TIME: Final = r"(?P<hour>\d\d)(?P<minute>\d\d)(?:(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,12}))?)?"
_FORMS: Final = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"{_DATE_FIRST}(?:(?:t|,? ){_TIME}{_ZONE})?",
        rf"{_DATE_FIRST}t(?P<hour>\d\d){_ZONE}",
        rf"{_BASIC_DATE}(?:[t ]?{_BASIC_TIME}{_ZONE})?",
        rf"{_DAY_NAME}(?P<day>\d\d?)(?P<dash>[- ]){_MONTH}(?P=dash)(?P<year>\d{{4}}|\d\d)(?:,? {_TIME}{_ZONE})?",
        rf"{_DAY_NAME}{_MONTH} (?P<day>\d\d?),? (?P<year>\d{{4}})(?:,? {_TIME}{_ZONE})?",
        rf"{_DAY_NAME}{_MONTH} (?P<day>\d\d?) {_TIME}{_ZONE} (?P<year>\d{{4}})",
    )
)


def millis_of(value: Any) -> int | None:
    """The time in whole milliseconds, UTC, rounded down; None for what has no reading or several. Never raises."""
    if isinstance(value, str):
        if len(value) == _DIGITS_OF_SECONDS and value.isdecimal() and value.isascii() and value[0] != "0":
            return int(value) * 1000
        return _of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LARGEST:
        return None
    return value if isinstance(value, int) and value >= EARLIEST_MS and value <= LATEST_MS else _of_number(str(value))


def is_unread(value: Any) -> bool:
    """Whether a sender stated a time that can't be read. Null and blank text state none."""
    blank = value is None or (isinstance(value, str) and not value.strip())
    return not blank and millis_of(value) is None


def unread_time(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item's ``timestamp`` where it can't be read, to be kept beside what else the item says; else nothing."""
    value = item.get("timestamp")
    if type(value) is int and EARLIEST_MS <= value <= LATEST_MS:  # nearly always
        return {}
    return {"timestamp": value} if is_unread(value) else {}


def clamp(occurred_at: int, received_at: int) -> int:
    """``occurred_at``, or ``received_at`` if the time is so far in the future that a clock must be wrong."""
    return occurred_at if occurred_at <= received_at + FUTURE_SLACK_MS else received_at


def occurred(value: Any, received_at: int) -> int:
    """When it happened by the sender's own time, else when it came in; never far in the future."""
    millis = millis_of(value)
    return received_at if millis is None else clamp(millis, received_at)


def _of_number(digits: str) -> int | None:
    number = Decimal(digits)
    found = (int(number * unit) for unit in _UNITS)
    return next((millis for millis in found if EARLIEST_MS <= millis <= LATEST_MS), None)


def _of_text(text: str) -> int | None:
    if len(text) > _LONGEST:
        return None
    if text[10:11] == "T":
        try:
            return _in_range(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            pass  # such as a month without its zero
    plain = _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_IDEOGRAPHS)).strip().lower()
    if _NUMBER.fullmatch(plain):
        return _of_number(plain)
    plain = _REMARK.sub("", plain)
    for form in _FORMS:
        if found := form.fullmatch(plain):
            try:
                return _in_range(_moment(found.groupdict()))
            except (ValueError, OverflowError):
                return None  # such as the 30th of February
    return None


def _in_range(moment: datetime) -> int | None:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    millis = (aware - _EPOCH) // _MILLISECOND
    return millis if EARLIEST_MS <= millis <= LATEST_MS else None


def _moment(parts: dict[str, str | None]) -> datetime:
    """The moment of a form's parts. Raises ValueError or OverflowError where there is none."""
    year, name = parts["year"] or "", parts.get("name")
    if len(year) == len("26"):
        year = ("19" if year > _LAST_OF_THIS_CENTURY else "20") + year
    month = _MONTHS.index(name[:3]) + 1 if name else int(parts["month"] or 0)
    return datetime(int(year), month, int(parts["day"] or 0), tzinfo=_zone(parts)) + _time_of_day(parts)


def _time_of_day(parts: dict[str, str | None]) -> timedelta:
    hour, minute, second = (int(parts.get(part) or 0) for part in ("hour", "minute", "second"))
    half = parts.get("after") or parts.get("before")
    if half:
        if not 1 <= hour <= _NOON:
            raise ValueError("no hour of half a day")
        hour = hour % _NOON + _NOON * (half in {"p", "下午"})
    micros = int((parts.get("fraction") or "")[:6].ljust(6, "0"))
    time = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micros)
    if minute >= _SIXTY or second > _SIXTY or time > timedelta(days=1):
        raise ValueError("no time of a day")
    return time


def _zone(parts: dict[str, str | None]) -> timezone:
    offset = parts.get("offset")
    if not offset:
        return timezone(timedelta(hours=_NAMED_ZONES[parts.get("zone") or ""]))
    hours, minutes = _OFFSET_PARTS.findall(offset)[0]
    distance = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-distance if offset[0] == "-" else distance)

"""Times, numbers and languages in words (pure)."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent

Language = Literal["zh-Hant", "en"]
DEFAULT_LANGUAGE: Final[Language] = "zh-Hant"
LOCALES: Final[dict[Language, str]] = {"zh-Hant": "zh_Hant_TW", "en": "en_GB"}
LANGUAGE_NAMES: Final[dict[Language, str]] = {"zh-Hant": "繁體中文", "en": "English"}
_SECONDS: Final = 1000  # ms
_UNITS: Final = ((172_800, 3600), (7200, 60))  # from so many seconds on, times are told in this many


def language_of(text: str | None) -> Language:
    """The language of a cookie; the default one for anything else."""
    return "en" if text == "en" else DEFAULT_LANGUAGE


_ZONE_NAMES: Final[dict[tuple[str, timedelta | None, str], str]] = {}  # what was found already


def _zone_name(local: datetime, locale: str) -> str:
    """What people call the zone of a time. A page has many times, and a name takes longer than all else of one."""
    known = (str(local.tzinfo), local.utcoffset(), locale)
    if known not in _ZONE_NAMES:
        _ZONE_NAMES[known] = format_datetime(local, "z", locale=locale)
    return _ZONE_NAMES[known]


def _to_seconds(distance: int) -> int:
    """Milliseconds as seconds: whole minutes from two hours on, and whole hours from two days on."""
    seconds = round(distance / _SECONDS)
    unit = next((unit for least, unit in _UNITS if abs(seconds) >= least), 1)
    return round(seconds / unit) * unit


@lru_cache(maxsize=4096)  # a page has many times, most of them alike, and each takes longer than all else of its row
def _distance(seconds: int, locale: str) -> str:
    return format_timedelta(timedelta(seconds=seconds), granularity="second", add_direction=True, locale=locale)


class LocalWords:
    """Numbers and times for one reader: a language, a zone, and the present moment in ms."""

    def __init__(self, language: Language, zone: ZoneInfo, now: int) -> None:
        self.language, self._locale, self._zone, self._now = language, LOCALES[language], zone, now

    def number(self, value: float) -> str:
        """A number with its separators."""
        return format_decimal(value, locale=self._locale)

    def percent(self, share: float) -> str:
        """A share of 1 as percent."""
        return format_percent(share, format="#,##0.#%", locale=self._locale)

    def ago(self, at: int) -> str:
        """A time in ms as its distance from now, such as "3 天前"."""
        return _distance(_to_seconds(at - self._now), self._locale)

    def exact(self, at: int) -> str:
        """A time in ms as date, time and zone."""
        local = self._local(at)
        return f"{local:%Y-%m-%d %H:%M:%S} {_zone_name(local, self._locale)}"

    def iso(self, at: int) -> str:
        """A time in ms as HTML's ``datetime``."""
        return self._local(at).isoformat(timespec="seconds")

    def date(self, at: int) -> str:
        """The day of a time in ms, such as "2026年3月3日"."""
        return format_date(self._local(at).date(), "long", locale=self._locale)

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / _SECONDS, self._zone)

"""Times, numbers and languages in words (pure)."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

Language = Literal["zh-Hant", "en"]
DEFAULT_LANGUAGE: Final[Language] = "zh-Hant"
LOCALES: Final[dict[Language, str]] = {"zh-Hant": "zh_Hant_TW", "en": "en_GB"}
LANGUAGE_NAMES: Final[dict[Language, str]] = {"zh-Hant": "繁體中文", "en": "English"}
_JUST_NOW: Final[dict[Language, str]] = {"zh-Hant": "剛剛", "en": "just now"}
_SECONDS: Final = 1000  # ms
_DAY_ENDS: Final = len("2026-03-01")  # of an ISO time
_SECOND_ENDS: Final = len("2026-03-01T12:00:00")
_NEVER: Final = Markup('<span class="muted">\u2013</span>')
_NEAR: Final = 5  # seconds, in which clocks differ too
_UNITS: Final = ((172_800, 3600), (7200, 60))  # from so many seconds on, times are told in this many


def language_of(text: str | None) -> Language:
    """The language of a cookie; the default one for anything else."""
    return "en" if text == "en" else DEFAULT_LANGUAGE


_ZONE_NAMES: Final[dict[tuple[str, str, str], str]] = {}  # what was found already


def _zone_name(iso: str, zone: ZoneInfo, locale: str) -> str:
    """What people call the zone of a time. A page has many times, and a name takes longer than all else of one."""
    known = (zone.key, iso[_SECOND_ENDS:], locale)
    if known not in _ZONE_NAMES:
        local = datetime.fromisoformat(iso).astimezone(zone)
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
        """A number with its separators and all of its digits."""
        if isinstance(value, int):
            return f"{value:,}"  # as both languages write it; Babel takes thirty times as long
        return format_decimal(value, locale=self._locale, decimal_quantization=False)

    def percent(self, share: float) -> str:
        """A share of 1 as percent."""
        return format_percent(share, format="#,##0.#%", locale=self._locale)

    def ago(self, at: int) -> str:
        """A time in ms as its distance from now, such as "3 天前"."""
        seconds = _to_seconds(at - self._now)
        return _distance(seconds, self._locale) if abs(seconds) >= _NEAR else _JUST_NOW[self.language]

    def time(self, at: int | None) -> Markup:
        """A time in ms as an element, in words, with the exact time when it is pointed at; a dash for none."""
        if at is None:
            return _NEVER
        iso = self.iso(at)
        return Markup(  # noqa: S704 - digits, and Babel's words
            f'<time datetime="{iso}" title="{self._exact(iso)}">{self.ago(at)}</time>'
        )

    def exact(self, at: int) -> str:
        """A time in ms as date, time and zone."""
        return self._exact(self.iso(at))

    def iso(self, at: int) -> str:
        """A time in ms as HTML's ``datetime``."""
        return self._local(at).isoformat(timespec="seconds")

    def date(self, at: int) -> str:
        """The day of a time in ms, such as "2026年3月3日"."""
        return format_date(self._local(at).date(), "long", locale=self._locale)

    def _exact(self, iso: str) -> str:
        return f"{iso[:_DAY_ENDS]} {iso[_DAY_ENDS + 1 : _SECOND_ENDS]} {_zone_name(iso, self._zone, self._locale)}"

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / _SECONDS, self._zone)

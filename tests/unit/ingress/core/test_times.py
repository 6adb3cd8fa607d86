"""A time is read as one moment, whoever wrote it; where several readings are possible, it is not read."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from time import asctime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events.base import EARLIEST_MS, LATEST_MS
from services.ingress.core.times import FUTURE_SLACK_MS, clamp, is_unread, millis_of, occurred, unread_time
from tests.support.strategies import BASE_MS, odd_json

MOMENT = 1_772_359_872_000  # 2026-03-01T10:11:12Z
FIRST_IN_MICROSECONDS = 315_532_800_000  # 1980-01-01: earlier ones are milliseconds after the year 5138
LAST_IN_MICROSECONDS = 4_102_444_800_000  # 2100-01-01
TAIPEI = timezone(timedelta(hours=8))
SECONDS = st.integers(FIRST_IN_MICROSECONDS // 1000, LAST_IN_MICROSECONDS // 1000)
OFFSETS = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))


def _spellings(seconds: int, zone: timezone) -> list[Any]:
    """One moment, as numbers and as what common libraries print."""
    utc, local = (datetime.fromtimestamp(seconds, known) for known in (UTC, zone))
    offset = local.strftime("%z")
    return [
        *(seconds * unit for unit in (1, 1000, 10**6, 10**9)),
        *(str(seconds * unit) for unit in (1, 1000, 10**6, 10**9)),
        *(float(seconds), float(seconds * 1000), f" {seconds} ", f"{seconds}.000"),
        *(local.isoformat(), utc.isoformat(), utc.strftime("%Y-%m-%dT%H:%M:%SZ"), utc.strftime("%Y-%m-%dt%H:%M:%Sz")),
        *(utc.strftime("%Y-%m-%d %H:%M:%S"), utc.strftime("%Y-%m-%d %H:%M:%S UTC"), utc.strftime("%Y%m%d%H%M%S")),
        *(utc.strftime("%Y-%m-%dT%H:%M:%S.000000000Z"), utc.strftime("%Y-%m-%dT%H:%M:%S,0Z")),
        *(local.strftime("%Y-%m-%dT%H:%M:%S%z"), local.strftime("%Y-%m-%d %H:%M:%S %z")),
        *(utc.strftime("%Y%m%dT%H%M%SZ"), local.strftime("%Y%m%dT%H%M%S%z")),
        *(f"{utc.year}/{utc.month}/{utc.day} {utc:%H:%M:%S}", f"{utc.year}年{utc.month}月{utc.day}日 {utc:%H:%M:%S}"),
        *(format_datetime(utc, usegmt=True), format_datetime(local), asctime(utc.timetuple())),
        f"{local:%a %b %d %Y %H:%M:%S} GMT{offset} (Taipei Standard Time)",  # JavaScript's Date.toString()
        f"{local:%a %b %d %H:%M:%S} {offset} {local.year}",
        f"{utc:%a %b %d %H:%M:%S} UTC {utc.year}",  # date(1)
        f"{utc:%B} {utc.day}, {utc.year} {utc:%I:%M:%S %p}",
        f"{local.isoformat()}[Asia/Taipei]",  # Java's ZonedDateTime
        f"{local:%Y-%m-%d %H:%M:%S.000} {offset} CST m=+0.01",  # Go
    ]


def _in_full_width(text: str) -> str:
    return "".join("\u3000" if one == " " else chr(ord(one) + 0xFEE0) for one in text)


@given(SECONDS, OFFSETS)
def test_every_spelling_of_a_moment_is_the_same_time(seconds: int, zone: timezone) -> None:
    read = {repr(one): millis_of(one) for one in _spellings(seconds, zone)}
    assert {one: at for one, at in read.items() if at != seconds * 1000} == {}


@given(st.integers(FIRST_IN_MICROSECONDS, LAST_IN_MICROSECONDS))
def test_milliseconds_are_kept(millis: int) -> None:
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=millis)).isoformat()
    spellings = [millis, str(millis), millis * 1000 + 999, text, text.lower(), f"{millis // 1000}.{millis % 1000:03}"]
    assert {millis_of(one) for one in spellings} == {millis}


@pytest.mark.parametrize(
    ("written", "millis"),
    [
        ("2026-03-01T10:11:12.999999999Z", MOMENT + 999),
        ("2026-03-01T18:11:12 08:00", MOMENT),  # a "+" in an address
        ("2026-03-01 下午 06:11:12 +0800", MOMENT),
        ("2026年3月1日 10時11分12秒", MOMENT),
        (_in_full_width("2026-03-01 10:11:12"), MOMENT),
        ("2026-03-01T02:11:12\u221208:00", MOMENT),  # a minus sign
        ("Sunday, 01-Mar-26 10:11:12 GMT", MOMENT),
        ("Sun, 1 Mar 2026 05:11:12 EST", MOMENT),
        ("2026-03-01T10", MOMENT - 672_000),
        ("2026-03-01", MOMENT - 36_672_000),
        ("20260301", MOMENT - 36_672_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T24:00:00Z", 1_483_228_800_000),
        ("12 Dec 94 00:00 UT", 787_190_400_000),
        (1_772_359_872.123, MOMENT + 123),
        (MOMENT + 0.5, MOMENT),
        (EARLIEST_MS, EARLIEST_MS),
        (LATEST_MS, LATEST_MS),
    ],
    ids=repr,
)
def test_other_spellings_are_read(written: Any, millis: int) -> None:
    assert millis_of(written) == millis


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "soon", "now", "03/04/2026", "3/1/2026, 10:11:12 AM", "01-03-2026", "26-03-01", "115年3月1日"),
        *("Sun Mar  1 10:11:12 CST 2026", "2026-03-01 10:11:12 Asia/Taipei", "2026-W09-7", "2026-060", "10:11:12"),
        *("2026-02-30T00:00:00Z", "2026-03-01T25:00:00Z", "2026-03-01T10:61:00Z", "2026-03-01T13:00 pm"),
        *("2026-03-01T10:11:12+99:00", "9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        *("-1772359872", "1e12", "0x19", "9" * 21, "9" * 5000, "1 772 359 872 000", "20261301101112"),
        *(True, False, 0, -1, -BASE_MS, 1.5, 10**40, 10**400, float("nan"), float("inf"), [], {}, [MOMENT]),
    ],
    ids=repr,
)
def test_what_has_no_single_reading_is_not_read(value: Any) -> None:
    assert millis_of(value) is None
    assert is_unread(value)
    assert occurred(value, BASE_MS) == BASE_MS
    assert unread_time({"timestamp": value, "other": 1}) == {"timestamp": value}


@pytest.mark.parametrize("value", [None, "", "  ", MOMENT, "2026-03-01"], ids=repr)
def test_a_time_that_is_left_out_or_read_is_not_unread(value: Any) -> None:
    assert not is_unread(value)
    assert unread_time({"timestamp": value}) == {}


@given(st.one_of(odd_json, st.text("0123456789 -/:.,+TZtzGMTuesMar()年月日午上", max_size=40)))
def test_a_reading_can_be_an_events_time(value: Any) -> None:
    at = millis_of(value)
    assert at is None or EARLIEST_MS <= at <= LATEST_MS


@given(st.integers(), st.integers(EARLIEST_MS, LATEST_MS))
def test_clamping_keeps_the_past_and_cuts_the_future(occurred_at: int, received_at: int) -> None:
    late_enough = occurred_at <= received_at + FUTURE_SLACK_MS
    assert clamp(occurred_at, received_at) == (occurred_at if late_enough else received_at)

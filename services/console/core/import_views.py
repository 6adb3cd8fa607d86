"""What pages show of an import: the fields that columns can be, its rows as a bar, and reasons in words (pure)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from projections.imports.order import ATTRIBUTE, IGNORED
from services.console.core.condition_forms import Say

MOST_COLUMNS: Final = 450  # of which a form asks what they are; the others keep what was guessed
NEW_ATTRIBUTE: Final = "new attribute"
_OF_BOTH: Final = ("name", "phone", "email", "tags")
_OUTCOMES: Final = ("created", "updated", "unchanged", "refused", "empty")


class ShownColumn(NamedTuple):
    """A column: its title, what it is taken for, whether that was guessed, the first cells, a new attribute's key."""

    number: int
    title: str
    field: str
    guessed: bool
    cells: list[str]
    key: str = ""


class Bar(NamedTuple):
    """A part of the bar of all rows: where it begins and how wide it is, in percent."""

    outcome: str
    name: str
    rows: int
    start: float
    width: float


def columns_of(result: Mapping[str, Any] | None, problem: Mapping[str, Any] | None) -> list[ShownColumn]:
    """The columns that a dry run found, also one that refused them."""
    found = (result or {}).get("columns") or (problem or {}).get("columns") or []
    rows = (result or {}).get("first_rows") or []
    return [
        ShownColumn(
            number,
            one["title"],
            one["field"],
            one.get("guessed", True),
            [row[number] for row in rows[:3] if number < len(row) and row[number]],
        )
        for number, one in enumerate(found[:MOST_COLUMNS])
    ]


def chosen_columns(
    columns: Iterable[ShownColumn], chosen: Mapping[int, str], keys: Mapping[int, str]
) -> list[ShownColumn]:
    """The columns as a form chose them."""
    return [
        one._replace(
            field=chosen.get(one.number, one.field),
            guessed=one.guessed and one.number not in chosen,
            key=keys.get(one.number, ""),
        )
        for one in columns
    ]


def field_options(kind: str, fields: Iterable[str], say: Say) -> list[tuple[str, str]]:
    """What a column can be: values of a form, with their names."""
    key = ("member_id",) if kind == "customers" else ("uid", "contact", "member_id")
    others = () if kind == "customers" else ("staff", "branch", "channel", "account")
    attributes = sorted({one for one in fields if one.startswith(ATTRIBUTE)})
    return [
        (IGNORED, say("(leave out)")),
        *((one, field_name(one, say)) for one in (*key, *_OF_BOTH, *others)),
        *((one, field_name(one, say)) for one in attributes),
        (NEW_ATTRIBUTE, say("attribute with the key …")),
    ]


def field_name(field: str, say: Say) -> str:
    """What people call a field of a row."""
    if field.startswith(ATTRIBUTE):
        return say("attribute %s") % field.removeprefix(ATTRIBUTE)
    names = {
        "member_id": say("member ID"),
        "uid": say("user id on the channel"),
        "contact": say("contact (channel:account:id)"),
        "name": say("name"),
        "phone": say("phone"),
        "email": say("e-mail"),
        "tags": say("tags"),
        "staff": say("member of staff"),
        "branch": say("branch"),
        "channel": say("channel"),
        "account": say("account"),
    }
    return names.get(field, field)


def mapping_of(columns: Iterable[ShownColumn], chosen: Mapping[int, str], keys: Mapping[int, str]) -> dict[str, str]:
    """The fields by titles, as a form chose them. What was guessed is stated too, so that it stays."""
    fields = {one.title: chosen.get(one.number, one.field) for one in reversed(list(columns))}
    numbers = {one.title: one.number for one in reversed(list(columns))}
    return {
        title: ATTRIBUTE + keys.get(numbers[title], "").strip() if field == NEW_ATTRIBUTE else field
        for title, field in fields.items()
    }


def bars_of(counts: Mapping[str, int], say: Say) -> list[Bar]:
    """The rows by what becomes of each, one after the other."""
    names = {
        "created": say("new"),
        "updated": say("changed"),
        "unchanged": say("unchanged"),
        "refused": say("refused"),
        "empty": say("empty"),
    }
    total = sum(counts.get(one, 0) for one in _OUTCOMES) or 1
    bars, start = list[Bar](), 0.0
    for one in _OUTCOMES:
        width = 100 * counts.get(one, 0) / total
        bars.append(Bar(one, names[one], counts.get(one, 0), round(start, 3), round(width, 3)))
        start += width
    return bars


def reason_name(reason: str, say: Say) -> str:
    """Why rows are refused, or warned of, in words."""
    names = {
        "repeated": say("repeated row"),
        "zeros_lost": say("leading zeros may be lost"),
        "digits_lost": say("digits are lost"),
        "no_member_id": say("no member ID"),
        "no_uid": say("no user id"),
        "no_phone": say("no phone that can be read"),
        "no_email": say("no e-mail address that can be read"),
        "another_account": say("of another account"),
        "several_contacts": say("several contacts"),
        "half_a_binding": say("staff without branch, or branch without staff"),
        "too_long": say("too long"),
        "too_many_cells": say("too many cells"),
        "too_many_tags": say("too many tags"),
        "unreadable": say("unreadable"),
        "wrong_type": say("value of another type"),
    }
    return names.get(reason, reason.replace("_", " "))

"""The contact's row as a fold: maxima, last writers by stamp, and the runs of its subscription.

A contact is valid by itself if it is subscribed, was not superseded, and has not opted out of all kinds of marketing.
Its consents are here for that alone: the read model of consents joins them by the same rule.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import orjson

from projections.contacts.subscription import SIGNALS, add_signal, is_edge, sign_of
from projections.contacts.tables import TABLE, ContactRow
from projections.engine.metadata import Key, Row
from projections.engine.parts import Owes, Part
from projections.engine.projection import Projection
from schemas.events import ContactRef, Event
from schemas.events.base import LATEST_MS
from schemas.events.conversation import TeamMessage
from schemas.events.identity import Superseding
from schemas.events.profile import Profile, StaffBinding
from schemas.events.subscription import MARKETING_KINDS, MarketingConsent

CUSTOMER_TYPES = frozenset(
    {"message.received", "message.edited", "message.unsent", "bot.interacted", "contact.followed"}
)
SENT: Final = "team.message_sent"
_TEAM_TYPES: Final = frozenset({SENT})
MARKETING_PURPOSES = frozenset({"broadcast", "cart_remarketing"})
_AT: Final = {name: number for number, name in enumerate(ContactRow._fields)}
_RUNS: Final = _AT["runs"]
Changes = dict[str, Any]
Stamps = dict[str, list[Any]]


def fold(row: Row | None, key: Key, events: Sequence[Event]) -> Row | None:
    """The contact as the events leave it; None where a signal came in the middle of a run."""
    before = cast("ContactRow", row) if row is not None else _new(key, events)
    first_seen = min(before.first_seen_at, events[0].occurred_at)
    changes: Changes = {"first_seen_at": first_seen} if first_seen != before.first_seen_at else {}
    stamps: Stamps | None = None
    runs: list[list[Any]] | None = None
    for event in events:
        if event.type not in _CONCERNS:
            continue
        _times(before, changes, event)
        sign = sign_of(event)
        if sign is not None:
            runs = orjson.loads(before.runs) if runs is None else runs
            if not add_signal(runs, sign=sign, at=event.occurred_at, event_id=event.event_id):
                return None
        setter = _SETTERS.get(event.type)
        if setter:
            stamps = orjson.loads(before.stamps) if stamps is None else stamps
            setter(changes, stamps, event)
    if runs is not None:
        changes |= _subscription(runs)
    if stamps is not None:
        changes["stamps"] = orjson.dumps(stamps, option=orjson.OPT_SORT_KEYS).decode()
    after = _changed(before, changes) if changes else before
    since = _valid_since(after)
    return after if since == after.valid_since else after._replace(valid_since=since)


def _valid_since(row: ContactRow) -> int | None:
    superseded = row.superseded_by is not None and row.superseded_by != row.key
    return None if superseded or row.opted_out else row.subscribed_at


def _changed(row: ContactRow, changes: Changes) -> ContactRow:
    """What `_replace` gives, which takes three times as long for a row of so many columns."""
    values = list(row)
    for name, value in changes.items():
        values[_AT[name]] = value
    return ContactRow._make(values)


def _new(key: Key, events: Sequence[Event]) -> ContactRow:
    contact = cast("ContactRef", events[0].contact)
    tenant, contact_id = key
    return ContactRow(tenant, contact_id, contact.channel, contact.account, contact.uid, events[0].occurred_at)


def _times(before: ContactRow, changes: Changes, event: Event) -> None:
    field = _time_of(event)
    if field and event.occurred_at > (changes.get(field) or getattr(before, field) or 0):
        changes[field] = event.occurred_at


def _time_of(event: Event) -> str | None:
    """The time that the event may be the latest of."""
    if event.type in CUSTOMER_TYPES:
        return "last_customer_at"
    if event.type != SENT:
        return None
    purpose = cast("TeamMessage", event.data).purpose
    if purpose in MARKETING_PURPOSES:
        return "last_marketing_at"
    return "last_team_at" if purpose == "conversation" else None


def _subscription(runs: list[list[Any]]) -> Changes:
    sign, since = runs[-1][:2]
    return {
        "runs": orjson.dumps(runs).decode(),
        "subscribed": sign,
        "subscribed_at": since if sign else None,
    }


def _wins(stamps: Stamps, register: str, event: Event, *, claimed: bool = False) -> bool:
    """Whether the event is the register's latest; if so it is noted as such. A claim loses to what is none."""
    stamp = [not claimed, *event.stamp]
    if register in stamps and stamps[register] >= stamp:
        return False
    stamps[register] = stamp
    return True


def _set_profile(changes: Changes, stamps: Stamps, event: Event) -> None:
    data = cast("Profile", event.data)
    for name in ("display_name", "avatar", "locale"):
        value = getattr(data, name)
        if value is not None and _wins(stamps, name, event, claimed=data.claimed):
            changes[name] = value


def _set_staff(changes: Changes, stamps: Stamps, event: Event) -> None:
    if _wins(stamps, "staff", event):
        data = cast("StaffBinding", event.data) if event.type == "omo.bound" else StaffBinding()
        changes |= {"staff_member": data.member, "staff_branch": data.branch, "staff_at": event.occurred_at}


def _set_superseded(changes: Changes, stamps: Stamps, event: Event) -> None:
    if _wins(stamps, "superseded_by", event):
        changes["superseded_by"] = cast("Superseding", event.data).by.key


def _set_consents(changes: Changes, stamps: Stamps, event: Event) -> None:
    stamp = [event.occurred_at, event.type == "marketing.opted_out", event.event_id]
    for kind in cast("MarketingConsent", event.data).kinds:
        stamps[kind] = max(stamps.get(kind, stamp), stamp)
    changes["opted_out"] = all(kind in stamps and stamps[kind][1] for kind in MARKETING_KINDS)


_SETTERS: dict[str, Callable[[Changes, Stamps, Event], None]] = {
    "profile.updated": _set_profile,
    "omo.bound": _set_staff,
    "omo.unbound": _set_staff,
    "contact.superseded": _set_superseded,
    "marketing.opted_out": _set_consents,
    "marketing.opted_in": _set_consents,
}


_CONCERNS: Final = CUSTOMER_TYPES | _TEAM_TYPES | SIGNALS | _SETTERS.keys()  # more than when it was first seen


def _is_latest(of: frozenset[str]) -> Owes:
    def owes(row: Row, event: Event) -> bool:
        field = _time_of(event) if event.type in of else None
        return field is not None and event.occurred_at >= (getattr(row, field) or 0)

    return owes


def _is_first(row: Row, event: Event) -> bool:
    return event.occurred_at <= cast("ContactRow", row).first_seen_at


def _part(types: frozenset[str], owes: Owes, *columns: str) -> Part:
    return Part(types, owes, {name: ContactRow._field_defaults[name] for name in columns})


_PARTS: Final = (
    _part(SIGNALS, lambda row, event: is_edge(orjson.loads(row[_RUNS]), event), "runs", "subscribed", "subscribed_at"),
    _part(CUSTOMER_TYPES, _is_latest(CUSTOMER_TYPES), "last_customer_at"),
    _part(_TEAM_TYPES, _is_latest(_TEAM_TYPES), "last_team_at", "last_marketing_at"),
    _part(
        frozenset(_SETTERS),
        lambda _row, event: event.type in _SETTERS,
        *("display_name", "avatar", "locale", "staff_member", "staff_branch", "staff_at", "superseded_by", "opted_out"),
        "stamps",
    ),
    Part(frozenset(), _is_first, {"first_seen_at": LATEST_MS}),  # histories always have the earliest event
)
PROJECTION = Projection(table=TABLE, version=5, types=None, suffixes=lambda _event: ((),), fold=fold, columns=_PARTS)

"""What a browser said of itself in the session that it is with (pure).

Several people may log in on one browser. Its name and attributes are those of the person that it is with now, whatever
others said on it in between. A login may come back: then its session has several spans of time.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

import orjson

from projections.attributes.folds import PROJECTION as ATTRIBUTES
from projections.attributes.tables import AttributeRow
from projections.contacts.folds import PROJECTION as CONTACTS
from projections.contacts.records import ContactRecord
from projections.contacts.tables import ContactRow
from projections.engine.projection import ContactEvent, fold_all
from projections.identity.resolution.nodes import Sessions

PROFILE: Final = ("display_name", "avatar", "locale")
BEGINNING: Final = -(2**63)
END: Final = 2**63 - 1


class Span(NamedTuple):
    """A stretch of time, in ms, that does not contain its end."""

    since: int
    until: int


def current_spans(sessions: Sessions) -> list[Span]:
    """When the browser was with the session that it is with now, the latest first.

    What was said before the first login belongs to the first login's session.
    """
    logins = sessions.logins
    ends = [*(at for at, _, _ in logins[1:]), END]
    starts = [BEGINNING, *ends[:-1]]
    spans = [
        Span(since, until)
        for (_, _, value), since, until in zip(logins, starts, ends, strict=True)
        if value == sessions.last and since < until
    ]
    return spans[::-1]


def has_past_sessions(sessions: Sessions) -> bool:
    """Whether anybody but the one whom the browser is with ever logged in on it."""
    return any(value != sessions.last for _, _, value in sessions.logins)


def in_session(record: ContactRecord, said: Iterable[ContactEvent]) -> ContactRecord:
    """The record with no other name, avatar, locale or attributes than these events of the contact give it."""
    events = list(said)
    profile: dict[str, Any] = dict.fromkeys(PROFILE)
    stamps = {name: stamp for name, stamp in orjson.loads(record.contact.stamps).items() if name not in profile}
    rows = cast("list[ContactRow]", fold_all(CONTACTS, events))
    for row in rows:
        profile = {name: getattr(row, name) for name in PROFILE}
        stamps |= {name: stamp for name, stamp in orjson.loads(row.stamps).items() if name in profile}
    settings = cast("list[AttributeRow]", fold_all(ATTRIBUTES, events))
    attributes = tuple(sorted(row for row in settings if row.value is not None))
    contact = record.contact._replace(**profile, stamps=orjson.dumps(stamps, option=orjson.OPT_SORT_KEYS).decode())
    return replace(record, contact=contact, attributes=attributes)

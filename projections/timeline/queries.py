"""Reading timelines page by page, from any position to the older or to the newer events.

A page ends after so many events or so many bytes, whichever comes first: one event can be a megabyte, and a page of
them must not be two hundred. The next page begins after a *position*, not after a number of rows, so events that arrive
in between neither repeat a row nor hide one.

Of the events of one message one is shown, as it was last edited; one that was unsent has no content (`messages`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from projections.contacts.tables import TABLE as CONTACTS
from projections.contacts.tables import ContactRow
from projections.engine.connection import Connection
from projections.engine.ids import NO_CONTACT
from projections.engine.metadata import Key, row_columns
from projections.engine.projection import ContactEvent
from projections.engine.statements import array, compiled, unnested
from projections.engine.store import columns
from projections.timeline.folds import event_of
from projections.timeline.messages import EDITED, SENT, UNSENT, as_shown, with_echo
from projections.timeline.selects import (
    ADDRESSES,
    Addresses,
    counts,
    is_echo_of_another,
    others_of,
    pairs_of,
    rank,
)
from projections.timeline.tables import CHANGING_TYPES, MESSAGE_TYPES, PROFILE_TYPES, TimelineRow
from projections.timeline.tables import TABLE as TIMELINE
from schemas.events import AccountRef, ContactRef


class TimelinePosition(NamedTuple):
    """Where an event stands in a timeline. The contact tells apart two contacts' events of one id and time."""

    occurred_at: int
    event_id: str
    contact_id: UUID

    @property
    def inclusive(self) -> "TimelinePosition":
        """The position after which the older events begin with the one at this position."""
        return self._replace(contact_id=UUID(int=self.contact_id.int + 1))


NEWEST: Final = TimelinePosition(2**63 - 1, "", UUID(int=0))  # a page after this position begins with the newest event


class Entry(NamedTuple):
    """An event of a timeline with the contact it is of; ``data`` is JSON, ``more`` says that others follow.

    ``change`` is the type of the event that later changed the message that this one is about; ``echo`` is what the
    channel echoed of a message of the team, as JSON.
    """

    occurred_at: int
    event_id: str
    contact_id: UUID
    received_at: int
    type: str
    source: str
    data: str
    channel: str
    account: str
    uid: str
    more: bool
    change: str | None
    echo: str | None

    @property
    def position(self) -> TimelinePosition:
        """Where the event stands."""
        return TimelinePosition(self.occurred_at, self.event_id, self.contact_id)


_MOST_SPANS: Final = 16
_MOST_PROFILE_EVENTS: Final = 1_000  # in one span
_MOST_PROFILE_ROWS: Final = 50_000
_NEWEST_MARKED: Final = 10  # events of a contact
_CHANGEABLE: Final = (*CHANGING_TYPES, *MESSAGE_TYPES)


def _beyond(event: sa.FromClause, *, newer: bool) -> sa.ColumnElement[bool]:
    """Whether the event comes after the position that is asked for, in the direction of reading."""
    position = sa.tuple_(*(sa.bindparam(name, type_=TIMELINE.c[name].type) for name in TimelinePosition._fields))
    own = sa.tuple_(*(event.c[name] for name in TimelinePosition._fields))
    return own > position if newer else own < position


def _order(event: sa.FromClause, *names: str, newer: bool) -> list[sa.UnaryExpression[Any]]:
    """The direction of reading, by these columns of a position or by all."""
    columns = [event.c[name] for name in names or TimelinePosition._fields]
    return [column.asc() if newer else column.desc() for column in columns]


def _page(*, newer: bool) -> sa.CTE:
    """The contacts' next events in the direction of reading, one more than the page may have."""
    event = TIMELINE.alias("event")
    types = array("types", sa.Text())
    one_more = sa.bindparam("most", type_=sa.BigInteger()) + 1
    of_contact = (
        sa.select(event)
        .where(
            event.c.tenant == sa.bindparam("tenant"),
            event.c.contact_id == CONTACTS.c.contact_id,
            _beyond(event, newer=newer),
            types.is_(None) | (event.c.type == sa.any_(types)),
            counts(event, *MESSAGE_TYPES),
            ~is_echo_of_another(event),
        )
        .order_by(*_order(event, "occurred_at", "event_id", newer=newer))
        .limit(one_more)
        .lateral("of_contact")
    )
    return (
        sa.select(of_contact, CONTACTS.c.channel, CONTACTS.c.account, CONTACTS.c.uid)
        .select_from(CONTACTS.join(of_contact, sa.true()))
        .where(
            CONTACTS.c.tenant == sa.bindparam("tenant"),
            CONTACTS.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())),
        )
        .order_by(*_order(of_contact, newer=newer))
        .limit(one_more)
        .cte("page")
    )


def _account_page(*, newer: bool) -> sa.CTE:
    """An account's next events without a contact in the direction of reading, one more than the page may have."""
    event = TIMELINE.alias("event")
    types = array("types", sa.Text())
    return (
        sa.select(
            event,
            sa.func.split_part(event.c.account_key, ":", 1).label("channel"),
            sa.func.split_part(event.c.account_key, ":", 2).label("account"),
            sa.literal_column("''").label("uid"),
        )
        .where(
            event.c.tenant == sa.bindparam("tenant"),
            event.c.account_key == sa.bindparam("account_key"),
            _beyond(event, newer=newer),
            types.is_(None) | (event.c.type == sa.any_(types)),
        )
        .order_by(*_order(event, newer=newer))
        .limit(sa.bindparam("most", type_=sa.BigInteger()) + 1)
        .cte("page")
    )


def _changed(page: sa.CTE, *, addressed: bool) -> sa.CTE:
    """The page with what else is known of each message: what changed it later, and what the channel echoed of it.

    An edited message has its latest edit's data.
    """
    later = TIMELINE.alias("later")
    unsent = later.c.type == UNSENT
    change = (
        sa.select(later.c.type, later.c.data)
        .where(
            page.c.type.in_(_CHANGEABLE),
            later.c.tenant == sa.bindparam("tenant"),
            later.c.contact_id == page.c.contact_id,
            later.c.data["message_id"].astext == page.c.data["message_id"].astext,
            later.c.type.in_(CHANGING_TYPES),
            unsent | (page.c.type != SENT),
        )
        .order_by(unsent.desc(), later.c.occurred_at.desc(), later.c.event_id.desc())
        .limit(1)
        .lateral("change")
    )
    data = sa.case((change.c.type == EDITED, change.c.data), else_=page.c.data)
    others = [column for column in page.c if column.name != "data"]
    echo = _echo(page, addressed=addressed)
    return (
        sa.select(*others, data.label("data"), change.c.type.label("change"), echo.c.data.label("echo"))
        .select_from(page.outerjoin(change, sa.true()).outerjoin(echo, sa.true()))
        .cte("changed")
    )


def _echo(page: sa.CTE, *, addressed: bool) -> sa.FromClause:
    """The best of the other events of each message of the team, which are not shown themselves."""
    other = TIMELINE.alias("other")
    contacts = sa.func.array_append(others_of(page.c.contact_id), page.c.contact_id)
    own = other.c.contact_id == page.c.contact_id
    same = (
        page.c.type == SENT,
        other.c.type == SENT,
        other.c.tenant == page.c.tenant,
        other.c.contact_id == sa.any_(contacts) if addressed else own,
        other.c.data["message_id"].astext == page.c.data["message_id"].astext,
        sa.or_(own & (other.c.event_id != page.c.event_id), ~own & (other.c.data["echo"].astext == "true")),
    )
    return sa.select(other.c.data).where(*same).order_by(*rank(other)).limit(1).lateral("echo")


def _measured(changed: sa.CTE, *, newer: bool) -> sa.CTE:
    """With each event's number, how many there are, and how many bytes come before it."""
    texts = [sa.cast(changed.c[name], sa.Text) for name in ("data", "echo")]
    size = sa.func.octet_length(sa.func.concat(*texts))
    order = _order(changed, newer=newer)
    return sa.select(
        changed,
        sa.func.row_number().over(order_by=order, rows=(None, 0)).label("number"),
        sa.func.count().over().label("found"),
        (sa.func.sum(size).over(order_by=order, rows=(None, 0)) - size).label("bytes_before"),
    ).cte("measured")


def _page_statement(page: sa.CTE, whose: str, *, newer: bool, addressed: bool = False) -> str:
    event = _measured(_changed(page, addressed=addressed), newer=newer)
    columns = {**event.c, "more": event.c.number < event.c.found}
    return compiled(
        sa.select(*(columns[name] for name in Entry._fields))
        .where(
            event.c.number <= sa.bindparam("most", type_=sa.BigInteger()),
            event.c.bytes_before < sa.bindparam("most_bytes", type_=sa.BigInteger()),
        )
        .order_by(event.c.number),
        *("tenant", whose, *TimelinePosition._fields, "types", "most", "most_bytes"),
        *(ADDRESSES if addressed else ()),
    )


def _profile_statement() -> str:
    """The latest profile events of contacts within spans of time: of each contact those that can still show.

    Of the events that set one attribute the latest shows, a claim only where all are claims. So it is of the updates
    that set the same parts of a profile.
    """
    given = unnested(
        "given", [TIMELINE.c.contact_id, sa.column("since", sa.BigInteger()), sa.column("until", sa.BigInteger())]
    )
    latest = (
        sa.select(*row_columns(TIMELINE))
        .where(
            TIMELINE.c.tenant == sa.bindparam("tenant"),
            TIMELINE.c.contact_id == given.c.contact_id,
            TIMELINE.c.occurred_at >= given.c.since,
            TIMELINE.c.occurred_at < given.c.until,
            TIMELINE.c.type.in_(PROFILE_TYPES),
        )
        .order_by(TIMELINE.c.occurred_at.desc())
        .limit(_MOST_PROFILE_EVENTS)
        .lateral("latest")
    )
    found = sa.select(*latest.c).select_from(given.join(latest, sa.true())).limit(_MOST_PROFILE_ROWS).subquery("found")
    parts = sa.func.concat(*(found.c.data[name].astext.is_(None) for name in ("display_name", "avatar", "locale")))
    key = found.c.data["key"].astext
    register = (found.c.contact_id, key.is_(None), sa.func.coalesce(key, parts))
    claimed = sa.func.coalesce(found.c.data["assurance"].astext == "claimed", sa.false())
    newest = (claimed, found.c.occurred_at.desc(), found.c.event_id.desc())
    return compiled(
        sa.select(*found.c).ext(distinct_on(*register)).order_by(*register, *newest),
        *("tenant", "contact_id", "since", "until"),
    )


def _position_statement(whose: str, *belongs: sa.ColumnElement[bool]) -> str:
    """Where an event of an owner stands, by the primary key; of one id on several contacts one."""
    return compiled(
        sa.select(*(TIMELINE.c[name] for name in TimelinePosition._fields))
        .where(TIMELINE.c.tenant == sa.bindparam("tenant"), TIMELINE.c.event_id == sa.bindparam("event_id"), *belongs)
        .order_by(TIMELINE.c.contact_id)
        .limit(1),
        *("tenant", whose, "event_id"),
    )


def _mark_statement() -> str:
    """The versions of the newest events of contacts, as one text."""
    given = unnested("given", [TIMELINE.c.contact_id])
    newest = (
        sa.select(sa.literal_column("timeline.event_id || ' ' || timeline.xmin", sa.Text()).label("version"))
        .select_from(TIMELINE)
        .where(TIMELINE.c.tenant == sa.bindparam("tenant"), TIMELINE.c.contact_id == given.c.contact_id)
        .order_by(TIMELINE.c.occurred_at.desc())
        .limit(_NEWEST_MARKED)
        .lateral("newest")
    )
    versions = sa.func.string_agg(newest.c.version, aggregate_order_by(sa.literal_column("','"), newest.c.version))
    return compiled(sa.select(sa.func.md5(versions)).select_from(given.join(newest, sa.true())), "tenant", "contact_id")


# By whether the newer events are asked for.
_PAGE: Final = {
    newer: _page_statement(_page(newer=newer), "contact_ids", newer=newer, addressed=True) for newer in (False, True)
}
_ACCOUNT_PAGE: Final = {
    newer: _page_statement(_account_page(newer=newer), "account_key", newer=newer) for newer in (False, True)
}
_POSITION: Final = _position_statement("contact_ids", TIMELINE.c.contact_id == sa.any_(array("contact_ids", sa.Uuid())))
_ACCOUNT_POSITION: Final = _position_statement(
    "account_key", TIMELINE.c.contact_id == NO_CONTACT, TIMELINE.c.account_key == sa.bindparam("account_key")
)
_PROFILE: Final = _profile_statement()
_MARK: Final = _mark_statement()


async def page(  # noqa: PLR0913 - each keyword is one thing a reader may ask for
    connection: Connection,
    tenant: str,
    contact_ids: Sequence[UUID],
    *,
    after: TimelinePosition = NEWEST,
    newer: bool = False,
    types: Sequence[str] | None = None,
    limit: int,
    most_bytes: int,
    addresses: Addresses = (),
) -> list[Entry]:
    """The contacts' next events, those nearest to the position first, of these types (none: all).

    They are older than the position, or ``newer``. One event always comes, however large. An echo of a message that
    another contact of the same of the ``addresses`` tells of is left out.
    """
    asked = (tenant, contact_ids, *after, types, limit, most_bytes, *pairs_of(addresses))
    return _entries(await connection.fetch(_PAGE[newer], *asked))


async def position_of(
    connection: Connection, tenant: str, contact_ids: Sequence[UUID], event_id: str
) -> TimelinePosition | None:
    """Where the event stands in the timeline of these contacts, None if they have no such event."""
    row = await connection.fetchrow(_POSITION, tenant, contact_ids, event_id)
    return TimelinePosition(*row) if row else None


async def newest_mark(connection: Connection, tenant: str, contact_ids: Sequence[UUID]) -> str:
    """A text that is another one once contacts have newer events; of older ones that come late it may tell nothing."""
    return str(await connection.fetchval(_MARK, tenant, contact_ids))


async def account_page(  # noqa: PLR0913 - each keyword is one thing a reader may ask for
    connection: Connection,
    tenant: str,
    account: AccountRef,
    *,
    after: TimelinePosition = NEWEST,
    newer: bool = False,
    types: Sequence[str] | None = None,
    limit: int,
    most_bytes: int,
) -> list[Entry]:
    """The next events that are about the account and have no contact, as `page` has them; their ``uid`` is empty."""
    return _entries(await connection.fetch(_ACCOUNT_PAGE[newer], tenant, account.key, *after, types, limit, most_bytes))


async def account_position_of(
    connection: Connection, tenant: str, account: AccountRef, event_id: str
) -> TimelinePosition | None:
    """Where the event stands among those of the account that have no contact, None if it is none of them."""
    row = await connection.fetchrow(_ACCOUNT_POSITION, tenant, account.key, event_id)
    return TimelinePosition(*row) if row else None


def _entries(records: Iterable[Iterable[Any]]) -> list[Entry]:
    entries = [Entry(*record) for record in records]
    return [one._replace(data=as_shown(with_echo(one.data, one.echo), one.change)) for one in entries]


async def profile_events(
    connection: Connection, contacts: Iterable[ContactRow], spans: Mapping[UUID, Sequence[tuple[int, int]]]
) -> dict[UUID, list[ContactEvent]]:
    """What contacts said of themselves, as ``profile.updated`` and attributes, within spans of time, by contact.

    ``spans`` are each contact's (since, until), the latest first. Events that later ones replace are left out. Of a
    contact with more than 16 spans, or a span with more than 1,000 such events, the latest count; at most 50,000 events
    are read.
    """
    refs: dict[Key, ContactRef] = {}
    wanted: list[tuple[UUID, int, int]] = []
    for row in contacts:
        refs[row[:2]] = ContactRef.model_validate({"channel": row.channel, "account": row.account, "uid": row.uid})
        wanted += [(row.contact_id, *span) for span in spans[row.contact_id][:_MOST_SPANS]]
    tenant = next(iter(refs))[0]
    found: dict[UUID, list[ContactEvent]] = {}
    for record in await connection.fetch(_PROFILE, tenant, *columns(wanted)):
        one = event_of(TimelineRow(*record), refs)
        found.setdefault(one.contact_id, []).append(one)
    return found

"""What each column of an export says of a row, as SQL.

A row is a customer with its contacts, or one contact. A column has a value, and a cell that shows it: cells name the
value several times, so that the values are those of a subquery.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_args

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.search import filters
from projections.customers.search.conditions import Conditions, StatementParameters
from projections.customers.search.queries import Search
from projections.customers.tables import CUSTOMER_CONTACTS, CUSTOMER_ROWS
from projections.exports.cell_expressions import (
    CellSql,
    attribute_cell,
    escaped,
    joined_by,
    joined_distinct,
    neutral_cell,
    phone_cell,
    time_cell,
    yes_cell,
)
from projections.exports.order import ColumnName, ExportOrder
from projections.tags.tables import TABLE as TAGS
from schemas.events.base import ChannelName
from schemas.events.subscription import MARKETING_KINDS

_ROW: Final = CUSTOMER_ROWS.c
_MINE: Final = CUSTOMER_CONTACTS.c
_ACCOUNT: Final = sa.func.substr(_MINE.account, sa.func.length(_MINE.channel) + 2)
_UID: Final = sa.func.substr(_MINE.contact, sa.func.length(_MINE.account) + 2)
_IS_BSUID: Final = _UID.regexp_match(r"^[A-Z]{2}\.")
_ON: Final[dict[ColumnName, CellSql]] = {
    "line_uid": _MINE.channel == "line",
    "facebook_psid": _MINE.channel == "facebook",
    "instagram_igsid": _MINE.channel == "instagram",
    "whatsapp_number": sa.and_(_MINE.channel == "whatsapp", sa.not_(_IS_BSUID)),
    "whatsapp_bsuid": sa.and_(_MINE.channel == "whatsapp", _IS_BSUID),
}
CHANNEL_OF: Final[Mapping[ColumnName, ChannelName]] = {
    "line_uid": "line",
    "facebook_psid": "facebook",
    "instagram_igsid": "instagram",
    "whatsapp_number": "whatsapp",
    "whatsapp_bsuid": "whatsapp",
}
CHANNELS: Final[tuple[ChannelName, ...]] = get_args(ChannelName)
_TIMES: Final[frozenset[ColumnName]] = frozenset(
    {"first_seen_at", "last_customer_at", "last_team_at", "last_marketing_at", "subscribed_at"}
)
_ANSWERS: Final[frozenset[ColumnName]] = frozenset({"valid", "over_quota"})
_WORDS: Final[frozenset[ColumnName]] = frozenset({"customer_id", "channel", "channels", "subscription", "opted_out"})
# That a tag has not run out: one of its ends, which are the third of (count, time, end), is null or later.
_LASTS: Final = "$[*] ? (@[2] == null || @[2] > $now)"


class ExportedValues(NamedTuple):
    """The values of columns and attributes, what they are selected from, and the order of the rows."""

    source: sa.FromClause
    columns: Mapping[ColumnName, CellSql]
    attributes: Sequence[CellSql]
    order: Sequence[sa.ColumnElement[Any]]


class ColumnExpressions:
    """Makes the columns of one statement.

    ``grouped`` is whether contacts are read all together, in the order of the customers, and not customer by customer:
    that takes a quarter less where most customers are exported, and much more where few are. ``absent`` are channels
    on which nobody has a contact: their columns are empty, and contacts are not asked for them.
    """

    def __init__(
        self,
        order: ExportOrder,
        search: Search,
        parameters: StatementParameters,
        *,
        grouped: bool = False,
        absent: Collection[str] = (),
    ) -> None:
        self._order = order
        self._absent = absent
        self._tenant = search.tenant
        self._grouped = grouped and "over_quota" not in order.columns  # which may depend on the customer
        self._now = search.asked.now
        self._parameter = parameters
        self._conditions = Conditions(search.tenant, search.asked, parameters)

    def values(self, attributes: Sequence[str]) -> ExportedValues:
        """The values of a row."""
        return self._of_contacts(attributes) if self._order.rows == "contacts" else self._of_customers(attributes)

    def cells(self, columns: Sequence[CellSql], attributes: Sequence[CellSql], *, as_json: bool) -> list[CellSql]:
        """The cells that show values of the order's columns and of attributes; these as JSON, if so asked."""
        shown = [self._cell(name, value) for name, value in zip(self._order.columns, columns, strict=True)]
        return [*shown, *(sa.cast(one, sa.Text) if as_json else attribute_cell(one) for one in attributes)]

    def _cell(self, name: ColumnName, value: CellSql) -> CellSql:
        if name in _TIMES:
            zone = self._order.zone
            return time_cell(value, None if zone is None else self._parameter(zone, sa.Text()))
        if name in _ANSWERS:
            return yes_cell(value)
        if name in _WORDS:
            return sa.cast(value, sa.Text)
        return phone_cell(value) if name == "phone" else neutral_cell(value)

    def _of_customers(self, attributes: Sequence[str]) -> ExportedValues:
        empty = {name for name in self._order.columns if CHANNEL_OF.get(name) in self._absent}
        wanted = {name: self._of_all_contacts(name) for name in self._order.columns if name not in empty}
        summed = {name: value.label(name) for name, value in wanted.items() if value is not None}
        source: sa.FromClause = CUSTOMER_ROWS
        columns: dict[ColumnName, CellSql] = {
            name: self._tags_of_customer() if name == "tags" else _ROW[name] for name in wanted if name not in summed
        }
        columns |= {name: sa.cast(sa.null(), sa.Text) for name in empty}
        if summed:
            source, found = self._with_contacts(sa.select(*summed.values()).select_from(CUSTOMER_CONTACTS))
            columns |= {name: found.c[name] for name in summed}
        settings = [_ROW.attributes[self._parameter(key, sa.Text())][1] for key in attributes]
        return ExportedValues(source, columns, settings, [_ROW.customer_id])

    def _with_contacts(self, summed: sa.Select[Any]) -> tuple[sa.FromClause, sa.FromClause]:
        """Customers with what their contacts add up to, and the latter."""
        if not self._grouped:
            of_customer = (_MINE.tenant == _ROW.tenant, _MINE.customer_id == _ROW.customer_id)
            lateral = summed.where(*of_customer).correlate(CUSTOMER_ROWS).lateral("of_contacts")
            return CUSTOMER_ROWS.join(lateral, sa.true()), lateral
        key = (_MINE.tenant, _MINE.customer_id)
        of_tenant = _MINE.tenant == self._parameter(self._tenant, sa.Text())
        found = summed.add_columns(*key).where(of_tenant).group_by(*key).subquery("of_contacts")
        same = sa.and_(found.c.tenant == _ROW.tenant, found.c.customer_id == _ROW.customer_id)
        return CUSTOMER_ROWS.join(found, same), found

    def _of_all_contacts(self, name: ColumnName) -> CellSql | None:
        """An aggregate of a customer's contacts; None for what the customer's own row has."""
        if name == "over_quota":
            return sa.func.bool_or(self._conditions.of_contact(filters.ByQuota(over_quota=True)))
        if name == "channels":
            there = [one for one in CHANNELS if one not in self._absent]
            return _words_of({one: _MINE.channel == one for one in there or CHANNELS})
        return _OF_ALL_CONTACTS.get(name)

    def _of_contacts(self, attributes: Sequence[str]) -> ExportedValues:
        """What identifies the person is the customer's; everything else is the contact's own."""
        of_customer = sa.and_(_MINE.tenant == _ROW.tenant, _MINE.customer_id == _ROW.customer_id)
        own = sa.and_(CONTACTS.c.tenant == _MINE.tenant, CONTACTS.c.contact_id == _MINE.contact_id)
        source: sa.FromClause = CUSTOMER_ROWS.join(CUSTOMER_CONTACTS, of_customer).join(CONTACTS, own)
        settings: list[CellSql] = []
        if attributes:
            found = _attributes().lateral("settings")
            source = source.join(found, sa.true())
            settings = [found.c.settings[self._parameter(key, sa.Text())] for key in attributes]
        columns = {name: self._of_contact(name) for name in self._order.columns}
        return ExportedValues(source, columns, settings, [_ROW.customer_id, _MINE.contact_id])

    def _of_contact(self, name: ColumnName) -> CellSql:
        """The value of a contact's row."""
        if name == "tags":
            return _tags_of_contact(self._parameter(self._now, sa.BigInteger()))
        if name == "over_quota":
            return self._conditions.of_contact(filters.ByQuota(over_quota=True))
        own = _OF_CONTACT.get(name)
        return _ROW[name] if own is None else own

    def _tags_of_customer(self) -> CellSql:
        """The tags in a customer's row that have not run out, sorted; null for none.

        Mostly none has run out: then their names alone are read, which takes half as long.
        """
        name = (
            sa.select(sa.func.jsonb_object_keys(_ROW.tags).label("name"))
            .correlate(CUSTOMER_ROWS)
            .subquery("tag")
            .c.name
        )
        every = sa.select(joined_by(name, sa.collate(name, "C"))).scalar_subquery()
        end = _ROW.tags_end_at
        lasting = sa.or_(end.is_(None), end > self._parameter(self._now, sa.BigInteger()))
        return sa.case(
            (_ROW.tags == sa.literal_column("'{}'::jsonb"), sa.null()),
            (lasting, every),
            else_=self._lasting_tags_of_customer(),
        )

    def _lasting_tags_of_customer(self) -> CellSql:
        now = self._parameter(orjson.dumps({"now": self._now}).decode(), JSONB())
        lasts: CellSql = sa.literal_column(f"'{_LASTS}'::jsonpath")
        tags = sa.func.jsonb_each(_ROW.tags).table_valued(sa.column("key", sa.Text()), sa.column("value", JSONB))
        tag = tags.render_derived(name="tag").c
        name = sa.collate(tag.key, "C")
        # Most tags never run out, and looking at the first end costs less than the path.
        on_it = sa.case(
            (tag.value[0][2].astext.is_(None), sa.true()), else_=sa.func.jsonb_path_exists(tag.value, lasts, now)
        )
        return sa.select(joined_by(tag.key, name)).where(on_it).scalar_subquery()


def _words_of(conditions: Mapping[str, CellSql]) -> CellSql:
    """An aggregate: the words of which the condition holds for a contact, sorted; null for none."""
    there = (sa.case((sa.func.bool_or(condition), word)) for word, condition in sorted(conditions.items()))
    return sa.func.nullif(sa.func.concat_ws(";", *there), "")


def _subscription(subscribed: CellSql, blocked: CellSql) -> CellSql:
    return sa.case((subscribed, "subscribed"), (blocked, "blocked"), else_="none")


_OF_ALL_CONTACTS: Final[dict[ColumnName, CellSql]] = {
    **{name: joined_by(_UID, _MINE.contact_id).filter(condition) for name, condition in _ON.items()},
    "subscription": _subscription(sa.func.bool_or(_MINE.subscribed), sa.func.bool_or(sa.not_(_MINE.subscribed))),
    "subscribed_at": sa.func.min(_MINE.subscribed_at).filter(_MINE.subscribed),
    "valid": sa.func.bool_or(_MINE.valid),
    "opted_out": _words_of({kind: sa.literal(kind) == sa.any_(_MINE.opted_out) for kind in MARKETING_KINDS}),
    "staff": joined_distinct(_MINE.staff),
    "branch": joined_distinct(_MINE.branch),
}
_OF_CONTACT: Final[dict[ColumnName, CellSql]] = {
    **{name: sa.case((condition, escaped(_UID))) for name, condition in _ON.items()},
    "name": CONTACTS.c.display_name,
    "first_seen_at": CONTACTS.c.first_seen_at,
    "last_customer_at": CONTACTS.c.last_customer_at,
    "last_team_at": CONTACTS.c.last_team_at,
    "last_marketing_at": CONTACTS.c.last_marketing_at,
    "contact": escaped(_MINE.contact),
    "channel": _MINE.channel,
    "channels": _MINE.channel,
    "account": escaped(_ACCOUNT),
    "staff": escaped(_MINE.staff),
    "branch": escaped(_MINE.branch),
    "subscription": _subscription(_MINE.subscribed, sa.not_(_MINE.subscribed)),
    "subscribed_at": sa.case((_MINE.subscribed, _MINE.subscribed_at)),
    "valid": _MINE.valid,
    "opted_out": sa.func.nullif(sa.func.array_to_string(_MINE.opted_out, ";"), ""),
}


def _tags_of_contact(now: CellSql) -> CellSql:
    """The tags that are on the contact, sorted; null for none."""
    tag = TAGS.c
    on_it = (tag.taggings > 0, tag.last_at.is_not(None), sa.or_(tag.expires_at.is_(None), tag.expires_at > now))
    mine = (tag.tenant == _MINE.tenant, tag.contact_id == _MINE.contact_id)
    return sa.select(joined_by(tag.tag, tag.tag)).where(*mine, *on_it).correlate(CUSTOMER_CONTACTS).scalar_subquery()


def _attributes() -> sa.Select[Any]:
    """The contact's attributes that have a value, as one JSON value by key; null for none."""
    one = ATTRIBUTES.c
    mine = (one.tenant == _MINE.tenant, one.contact_id == _MINE.contact_id)
    values = sa.func.jsonb_object_agg(one.key, sa.cast(one.value, JSONB), type_=JSONB).label("settings")
    return sa.select(values).where(*mine, one.value.is_not(None), one.type.is_not(None)).correlate(CUSTOMER_CONTACTS)

"""A filter as a condition of PostgreSQL on customer rows.

Each condition asks the index of terms first, where it can, and then the values themselves: two values with one term are
still told apart. Values that are missing make a condition null; only ``not`` has to know, since null counts as
false everywhere else.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.rows import hour_of
from projections.customers.search import filters
from projections.customers.search.asking import AskedAt
from projections.customers.search.exact import exact, plain_tag
from projections.customers.search.looking import folded_test
from projections.customers.search.necessary import necessary
from projections.customers.search.operators import NumberTest, Scalar, TextTest, TimeTest, ValueTest, kind_of
from projections.customers.search.times import FilterTime, moment_of
from projections.customers.tables import CUSTOMER_CONTACTS, CUSTOMER_ROWS
from projections.customers.terms import Term, grams_to_find, many_grams, term_id
from projections.engine.metadata import key_columns

Where = sa.ColumnElement[bool]
_ROW: Final = CUSTOMER_ROWS.c
_CONTACT: Final = CUSTOMER_CONTACTS.c
_TEXT: Final = sa.Text()
# As text: SQLAlchemy makes of "… AND false" nothing but false, and the statement would lack its parameters.
_NEVER: Final = sa.literal_column("false", sa.Boolean())
_TIME_FIELDS: Final[dict[type[filters.Condition], str]] = {
    filters.ByLastCustomer: "last_customer",
    filters.ByLastTeam: "last_team",
    filters.ByLastMarketing: "last_marketing",
    filters.ByFirstSeen: "first_seen",
}
_COLUMNS: Final[dict[type[filters.Condition], str]] = {
    filters.ByMemberId: "member_id",
    filters.ByPhone: "phone",
    filters.ByEmail: "email",
}
_WORDS: Final[dict[type[filters.Condition], str]] = {
    filters.ByChannel: "channel",
    filters.ByBinding: "bound",
    filters.ByStaff: "staff",
    filters.ByBranch: "branch",
}
_LISTS: Final[dict[type[filters.Condition], str]] = {filters.ByOptOut: "opted_out", filters.ByNotifications: "notified"}


class StatementParameters:
    """The parameters of one statement, by name, in the order in which they are needed."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def __call__(self, value: Any, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
        """A parameter with a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return sa.bindparam(name, type_=kind)


def tags_ended(asked: AskedAt, parameter: StatementParameters) -> Where:
    """Whether any of the customer's tags has run out; null for one whose tags never do."""
    return _ROW.tags_end_at <= parameter(asked.now, sa.BigInteger())


class Conditions:
    """Makes conditions of filters, for one tenant and one moment. A customer's row is in `CUSTOMER_ROWS`."""

    def __init__(self, tenant: str, asked: AskedAt, parameters: StatementParameters) -> None:
        self._tenant = tenant
        self._asked = asked
        self._parameter = parameters

    def of(self, node: filters.FilterNode) -> Where:
        """The condition that the customer fulfils the filter; false or null if not."""
        wanted = exact(node)
        match node:
            case filters.All() | filters.OpenedSegment():
                return sa.and_(*map(self.of, node.parts))
            case filters.AnyOf(any=parts):
                return sa.or_(*map(self.of, parts))
            case _ if wanted is not None:
                return self._any_term(wanted)
            case filters.Not(not_=part):
                return sa.not_(sa.func.coalesce(self.of(part), sa.false()))
            case _ if node.of_contact or isinstance(node, filters.SameContact):
                part = node.same_contact if isinstance(node, filters.SameContact) else node
                return sa.and_(*self._before_contacts(part), self._some_contact(part))
            case _:
                return sa.and_(*self._terms(node), self._of_customer(node))

    def _terms(self, node: filters.FilterNode) -> list[Where]:
        """What a customer's terms must contain for the condition to hold."""
        if isinstance(node, filters.All):
            return [one for part in node.all for one in self._terms(part)]
        wanted = exact(node) or necessary(node)
        return [] if wanted is None else [self._any_term(wanted)]

    def _any_term(self, wanted: frozenset[Term]) -> Where:
        ids = sorted(term_id(self._tenant, term) for term in wanted)
        return _ROW.terms.bool_op("&&")(self._parameter(ids, sa.ARRAY(sa.BigInteger())))

    def _before_contacts(self, node: filters.FilterNode) -> list[Where]:
        """What the customer's own row must fulfil for a contact to: it saves most looks at contacts."""
        return [*self._terms(node), *self._times_of_row(node)]

    def _times_of_row(self, node: filters.FilterNode) -> list[Where]:
        """A customer's latest time is not before a contact's, nor is its first event later."""
        if isinstance(node, filters.All):
            return [one for part in node.all for one in self._times_of_row(part)]
        match node:
            case filters.ByQuota() | filters.ByValidity(valid=True):
                return [_ROW.valid]
            case filters.ByFirstSeen(first_seen=test) if test.before is not None:
                return [self._time(TimeTest(before=test.before), _ROW.first_seen_at)]
            case filters.ByLastCustomer() | filters.ByLastTeam() | filters.ByLastMarketing():
                field = _TIME_FIELDS[type(node)]
                since, before = getattr(node, field).since, getattr(node, field).before
                hour = _ROW[f"{field}_hour"]
                found = [] if since is None else [hour >= self._hour(since)]
                if before is not None:  # where the latest time is a later one, it is another contact's
                    found.append(sa.or_(hour <= self._hour(before), _ROW.contacts > 1))
                return found
            case _:
                return []

    def _some_contact(self, node: filters.FilterNode) -> Where:
        """Whether the customer has a contact for which the condition holds."""
        of_customer = (_CONTACT.tenant == _ROW.tenant, _CONTACT.customer_id == _ROW.customer_id)
        found = sa.select(sa.literal(1)).select_from(CUSTOMER_CONTACTS)
        return sa.exists(found.where(*of_customer, self.of_contact(node)).correlate(CUSTOMER_ROWS))

    def _of_customer(self, node: filters.FilterNode) -> Where:
        if field := _TIME_FIELDS.get(type(node)):
            return self._time(getattr(node, field), _ROW[f"{field}_at"], _ROW.get(f"{field}_hour"))
        if column := _COLUMNS.get(type(node)):
            return self._text(getattr(node, column), _ROW[column])
        match node:
            case filters.ByTag():
                return self._tag(node) if plain_tag(node) is None else sa.or_(self._no_tag_ended(), self._tag(node))
            case filters.ByName():
                return self._name(folded_test(node.name))
            case filters.ByAttribute():
                return self._attribute(node)
            case _:
                return self._of_counts(node)

    def _of_counts(self, node: filters.FilterNode) -> Where:
        match node:
            case filters.ByContactCount():
                return self._number(node.contacts, _ROW.contacts)
            case filters.ById():
                return _ROW.customer_id == sa.any_(self._parameter(node.id, sa.ARRAY(sa.Uuid())))
            case filters.ByConflicts():
                return _ROW.conflicts > 0 if node.conflicts else _ROW.conflicts == 0
            case _:
                raise TypeError(f"`{filters.key_of(node)}` has to be opened to what it asks for")

    def of_contact(self, node: filters.FilterNode) -> Where:
        """The condition that a contact, a row of `CUSTOMER_CONTACTS`, fulfils the filter."""
        match node:
            case filters.All(all=parts):
                return sa.and_(*map(self.of_contact, parts))
            case filters.AnyOf(any=parts):
                return sa.or_(*map(self.of_contact, parts))
            case filters.Not(not_=part):
                return sa.not_(sa.func.coalesce(self.of_contact(part), sa.false()))
            case filters.ByAccount(account=accounts):
                channels = sorted({one.partition(":")[0] for one in accounts})  # which the indexes begin with
                return sa.and_(self._in(_CONTACT.channel, channels), self._in(_CONTACT.account, accounts))
            case _:
                return self._of_one_contact(node)

    def _of_one_contact(self, node: filters.FilterNode) -> Where:
        if field := _TIME_FIELDS.get(type(node)):
            return self._time_of_contact(getattr(node, field), field)
        if column := _WORDS.get(type(node)):
            return self._words(getattr(node, column), _CONTACT[column])
        if column := _LISTS.get(type(node)):
            return self._lists(getattr(node, filters.key_of(node)), _CONTACT[column])
        match node:
            case filters.BySubscription() | filters.ByValidity():
                return _CONTACT[filters.key_of(node)].is_(getattr(node, filters.key_of(node)))
            case filters.BySubscribedAt():
                return self._time(node.subscribed_at, _CONTACT.subscribed_at)
            case filters.ByQuota():
                over = self._over_quota()
                return over if node.over_quota else sa.and_(_CONTACT.valid, sa.not_(sa.func.coalesce(over, sa.false())))
            case _:
                raise TypeError(f"`{filters.key_of(node)}` is not about a contact")

    def _words(self, wanted: bool | list[str], column: sa.ColumnElement[Any]) -> Where:  # noqa: FBT001 - the field's value
        if isinstance(wanted, bool):
            return column.is_not(None) if wanted else column.is_(None)
        return self._in(column, wanted)

    def _lists(self, wanted: bool | list[str], column: sa.ColumnElement[Any]) -> Where:  # noqa: FBT001 - the field's value
        if isinstance(wanted, bool):
            return sa.func.cardinality(column) > 0 if wanted else sa.func.cardinality(column) == 0
        return column.bool_op("&&")(self._parameter(wanted, sa.ARRAY(_TEXT)))

    def _over_quota(self) -> Where:
        if (last := self._asked.customer_end) is not None:
            values = [self._parameter(last.valid_since, sa.BigInteger()), self._parameter(last.customer_id, sa.Uuid())]
            return sa.and_(_CONTACT.valid, sa.tuple_(_ROW.valid_since, _ROW.customer_id) > sa.tuple_(*values))
        end = self._asked.quota_end
        if end is None:
            return _NEVER
        subscribed_at, *texts = end.place
        at, limit = self._parameter(subscribed_at, sa.BigInteger()), [self._parameter(one, _TEXT) for one in texts]
        # The index tells all but those of the very moment. Only valid contacts are counted.
        same = CUSTOMER_CONTACTS.alias("same")
        own = (same.c[column.name] == column for column in key_columns(CUSTOMER_CONTACTS))
        after = sa.tuple_(same.c.channel, same.c.account, same.c.counted_as) > sa.tuple_(*limit)
        later = sa.select(after).where(*own).correlate(CUSTOMER_CONTACTS).scalar_subquery()
        return sa.and_(_CONTACT.counted_at >= at, sa.or_(_CONTACT.counted_at > at, later))

    def _in(self, column: sa.ColumnElement[Any], words: Sequence[str]) -> Where:
        return column == sa.any_(self._parameter(list(words), sa.ARRAY(_TEXT)))

    def _text(self, test: TextTest, column: sa.ColumnElement[Any]) -> Where:
        conditions: list[Where] = [] if test.set is None else [column.is_not(None) if test.set else column.is_(None)]
        if test.eq is not None:
            conditions.append(column == self._parameter(test.eq, _TEXT))
        if test.in_ is not None:
            conditions.append(self._in(column, test.in_))
        if test.starts is not None:
            conditions.append(sa.func.starts_with(column, self._parameter(test.starts, _TEXT)))
        if test.contains is not None:
            conditions.append(sa.func.strpos(column, self._parameter(test.contains, _TEXT)) > 0)
        return sa.and_(*conditions)

    def _name(self, test: TextTest) -> Where:
        if test.set is False:
            return sa.func.cardinality(_ROW.names) == 0
        names = sa.func.unnest(_ROW.names).table_valued(sa.column("one", _TEXT)).render_derived(name="names_of_row")
        condition = self._text(test, names.c.one)
        found = sa.exists(sa.select(sa.literal(1)).select_from(names).where(condition).correlate(CUSTOMER_ROWS))
        parts = [text for text in (test.eq, test.starts, test.contains) if text]
        return sa.and_(*map(self._grams, parts), found)

    def _grams(self, text: str) -> Where:
        """What the ids of a customer's names must contain for a name to contain the text."""
        grams = sa.ARRAY(sa.BigInteger())
        every = _ROW.grams.bool_op("@>")(self._parameter(list(grams_to_find(self._tenant, text)), grams))
        return sa.or_(every, _ROW.grams.bool_op("@>")(self._parameter([many_grams(self._tenant)], grams)))

    def _number(self, test: NumberTest, column: sa.ColumnElement[Any]) -> Where:
        by = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
        return sa.and_(
            *(
                column.bool_op(by[name])(self._parameter(value, sa.BigInteger()))
                for name, value in test.operators().items()
            )
        )

    def _time(self, test: TimeTest, column: sa.ColumnElement[Any], hour: sa.ColumnElement[Any] | None = None) -> Where:
        """The condition on a time; its hour, where there is a column of it, is what the index has."""
        conditions: list[Where] = [] if test.set is None else [column.is_not(None) if test.set else column.is_(None)]
        if test.since is not None:
            since = moment_of(test.since, self._asked.now)
            conditions.append(column >= self._parameter(since, sa.BigInteger()))
            if hour is not None:
                conditions.append(hour >= self._hour(test.since))
        if test.before is not None:
            before = moment_of(test.before, self._asked.now)
            conditions.append(column < self._parameter(before, sa.BigInteger()))
            if hour is not None:
                conditions.append(hour <= self._hour(test.before))
        return sa.and_(*conditions)

    def _time_of_contact(self, test: TimeTest, field: str) -> Where:
        """The condition on a contact's time. Its hour tells it, but for a contact in the very hour of a bound."""
        if field == "first_seen":
            return self._time(test, _CONTACT.first_seen_at)
        hour, at = _CONTACT[f"{field}_hour"], CONTACTS.c[f"{field}_at"]
        own = (CONTACTS.c.tenant == _CONTACT.tenant, CONTACTS.c.contact_id == _CONTACT.contact_id)
        exact = sa.select(at).where(*own).correlate(CUSTOMER_CONTACTS).scalar_subquery()
        conditions: list[Where] = [] if test.set is None else [hour.is_not(None) if test.set else hour.is_(None)]
        if test.since is not None:
            since, first = moment_of(test.since, self._asked.now), self._hour(test.since)
            within = sa.or_(hour > first, exact >= self._parameter(since, sa.BigInteger()))
            conditions += [hour >= first, within]
        if test.before is not None:
            before, last = moment_of(test.before, self._asked.now), self._hour(test.before)
            within = sa.or_(hour < last, exact < self._parameter(before, sa.BigInteger()))
            conditions += [hour <= last, within]
        return sa.and_(*conditions)

    def _hour(self, when: FilterTime) -> sa.BindParameter[Any]:
        return self._parameter(hour_of(moment_of(when, self._asked.now)), sa.Integer())

    def _no_tag_ended(self) -> Where:
        """None of the customer's tags has run out, so that its terms are those of the tags that it has."""
        return sa.not_(sa.func.coalesce(tags_ended(self._asked, self._parameter), sa.false()))

    def _tag(self, node: filters.ByTag) -> Where:
        """Of the taggings that have not run out: how many there are, and the latest."""
        tagging = sa.func.jsonb_array_elements(_ROW.tags[self._parameter(node.tag, _TEXT)])
        parts = tagging.table_valued(sa.column("tagging", JSONB)).render_derived(name="taggings").c.tagging
        count = sa.func.sum(sa.cast(parts[0].astext, sa.BigInteger()))
        latest = sa.func.max(sa.cast(parts[1].astext, sa.BigInteger()))
        end = sa.cast(parts[2].astext, sa.BigInteger())
        conditions: list[Where] = [count > 0]
        if node.count is not None:
            conditions.append(self._number(node.count, count))
        if node.since is not None:
            since = moment_of(node.since, self._asked.now)
            conditions.append(latest >= self._parameter(since, sa.BigInteger()))
        now = self._parameter(self._asked.now, sa.BigInteger())
        return sa.select(sa.and_(*conditions)).where(sa.or_(end.is_(None), end > now)).scalar_subquery()

    def _attribute(self, node: filters.ByAttribute) -> Where:
        setting = _ROW.attributes[self._parameter(node.attribute, _TEXT)]
        if node.set is False:
            return setting.is_(None)
        return sa.and_(setting.is_not(None), *self._value(node, setting[1], setting[1].astext))

    def _value(self, test: ValueTest, value: sa.ColumnElement[Any], text: sa.ColumnElement[str]) -> list[Where]:
        conditions: list[Where] = []
        low, high = test.between or (None, None)
        if test.eq is not None:
            conditions.append(value == self._json(test.eq))
        if test.ne is not None:
            conditions.append(value != self._json(test.ne))
        if test.in_ is not None:
            listed = self._parameter([orjson.dumps(one).decode() for one in test.in_], sa.ARRAY(JSONB()))
            conditions.append(value == sa.any_(listed))
        bounds = [(">", test.gt), (">=", test.gte), ("<", test.lt), ("<=", test.lte), (">=", low), ("<=", high)]
        conditions += [self._bound(value, text, how, bound) for how, bound in bounds if bound is not None]
        if test.contains is not None:
            is_text = sa.func.jsonb_typeof(value) == sa.literal("string")
            conditions += [is_text, sa.func.strpos(text, self._parameter(test.contains, _TEXT)) > 0]
        return conditions

    def _bound(self, value: sa.ColumnElement[Any], text: sa.ColumnElement[str], how: str, bound: Scalar) -> Where:
        same_type = sa.func.jsonb_typeof(value) == sa.literal(kind_of(bound))
        if isinstance(bound, str):
            return sa.and_(same_type, sa.collate(text, "C").bool_op(how)(self._parameter(bound, _TEXT)))
        return sa.and_(same_type, value.bool_op(how)(self._json(bound)))

    def _json(self, value: Scalar) -> sa.BindParameter[Any]:
        return self._parameter(orjson.dumps(value).decode(), JSONB())

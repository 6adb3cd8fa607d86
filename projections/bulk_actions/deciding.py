"""What an action would change of contacts, in PostgreSQL: what each had before, null where nothing changes.

The preview counts with it, and a job decides with it.
"""

from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.bulk_actions.order import (
    BindContacts,
    BulkOrder,
    ResubscribeContacts,
    SetAttributeOfContacts,
    TagContacts,
    UnsubscribeContacts,
    UntagContacts,
)
from projections.consents.tables import TABLE as CONSENTS
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.search.conditions import StatementParameters
from projections.customers.tables import CUSTOMER_CONTACTS
from projections.tags.tables import TABLE as TAGS

Expression = sa.ColumnElement[Any]
_TEXT: Final = sa.Text()


class Before:
    """Makes the expression of what contacts had before an order's action.

    ``target`` has the columns ``customer_id`` and ``contact_id``; it is the contacts that are meant.
    """

    def __init__(self, tenant: str, order: BulkOrder, now: int, parameters: StatementParameters) -> None:
        """``now`` is in ms: a tag that has run out by then is none."""
        self._order = order
        self._parameter = parameters
        self._tenant = parameters(tenant, _TEXT)
        self._now = now

    def of(self, target: sa.FromClause) -> Expression:
        """JSON of what the contact had; null where the action changes nothing of it."""
        match self._order.action:
            case TagContacts(tag=tag):
                has_it = self._on_customer if self._order.chosen == "latest" else self._on_contact
                return sa.case((has_it(target, tag), sa.null()), else_=sa.cast(sa.literal_column("'{}'"), JSONB))
            case UntagContacts(tag=tag):
                return self._tag_of(target, tag)
            case SetAttributeOfContacts() as action:
                return self._attribute(target, action)
            case UnsubscribeContacts(kinds=kinds):
                return self._kinds(target, list(kinds), refused=False)
            case ResubscribeContacts(kinds=kinds):
                return self._kinds(target, list(kinds), refused=True)
            case BindContacts(member=member, branch=branch):
                return self._staff(target, member, branch)

    def _on(self, tag: str) -> list[sa.ColumnElement[bool]]:
        """The tag is on the contact of its row."""
        one = TAGS.c
        live = sa.or_(one.expires_at.is_(None), one.expires_at > self._parameter(self._now, sa.BigInteger()))
        return [one.tenant == self._tenant, one.tag == self._parameter(tag, _TEXT), one.taggings > 0, live]

    def _on_contact(self, target: sa.FromClause, tag: str) -> sa.ColumnElement[bool]:
        mine = TAGS.c.contact_id == target.c.contact_id
        return sa.exists(sa.select(sa.literal(1)).select_from(TAGS).where(mine, *self._on(tag)).correlate(target))

    def _on_customer(self, target: sa.FromClause, tag: str) -> sa.ColumnElement[bool]:
        """On the contact, or on another of its customer."""
        others = CUSTOMER_CONTACTS.alias("others")
        found = (
            sa.select(sa.literal(1))
            .select_from(TAGS.join(others, TAGS.c.contact_id == others.c.contact_id))
            .where(others.c.tenant == self._tenant, others.c.customer_id == target.c.customer_id, *self._on(tag))
        )
        return sa.or_(self._on_contact(target, tag), sa.exists(found.correlate(target)))

    def _tag_of(self, target: sa.FromClause, tag: str) -> Expression:
        one = TAGS.c
        had = sa.func.jsonb_build_object(
            "count", one.taggings, "source", one.source, "expires_at", one.expires_at, type_=JSONB
        )
        mine = one.contact_id == target.c.contact_id
        return sa.select(had).where(mine, *self._on(tag)).correlate(target).scalar_subquery()

    def _attribute(self, target: sa.FromClause, action: SetAttributeOfContacts) -> Expression:
        one = ATTRIBUTES.c
        mine = (
            one.tenant == self._tenant,
            one.contact_id == target.c.contact_id,
            one.key == self._parameter(action.key, _TEXT),
            one.value.is_not(None),
        )
        value = sa.cast(one.value, JSONB)
        same = [value == self._parameter(orjson.dumps(action.value).decode(), JSONB()), sa.not_(one.claimed)]
        if action.type is not None:
            same.append(one.type == self._parameter(action.type, _TEXT))
        had = sa.func.jsonb_build_object("value", value, "type", one.type, type_=JSONB)
        nothing = sa.cast(sa.literal_column("'{}'"), JSONB)
        was = sa.select(had).where(*mine).correlate(target).scalar_subquery()
        unchanged = sa.exists(sa.select(sa.literal(1)).select_from(ATTRIBUTES).where(*mine, *same).correlate(target))
        return sa.case((unchanged, sa.null()), else_=sa.func.coalesce(was, nothing))

    def _kinds(self, target: sa.FromClause, kinds: list[str], *, refused: bool) -> Expression:
        """Those of the kinds that are refused, or that are not; null for none."""
        asked = sa.func.unnest(self._parameter(kinds, sa.ARRAY(_TEXT))).table_valued(sa.column("kind", _TEXT))
        named = asked.render_derived(name="asked")
        denial = sa.exists(
            sa.select(sa.literal(1))
            .select_from(CONSENTS)
            .where(
                CONSENTS.c.tenant == self._tenant,
                CONSENTS.c.contact_id == target.c.contact_id,
                CONSENTS.c.kind == named.c.kind,
                sa.not_(CONSENTS.c.allowed),
            )
            .correlate(target, named)
        )
        found = sa.select(sa.func.jsonb_agg(named.c.kind, type_=JSONB)).select_from(named)
        return found.where(denial if refused else sa.not_(denial)).correlate(target).scalar_subquery()

    def _staff(self, target: sa.FromClause, member: str, branch: str) -> Expression:
        one = CONTACTS.c
        had = sa.func.jsonb_build_object("member", one.staff_member, "branch", one.staff_branch, type_=JSONB)
        other = sa.or_(
            one.staff_member.is_distinct_from(self._parameter(member, _TEXT)),
            one.staff_branch.is_distinct_from(self._parameter(branch, _TEXT)),
        )
        mine = (one.tenant == self._tenant, one.contact_id == target.c.contact_id)
        return sa.select(had).where(*mine, other).correlate(target).scalar_subquery()

"""The statements that identity is loaded by, compiled once: each takes its keys as arrays, one a column."""

from typing import Final

import sqlalchemy as sa

from projections.engine.metadata import row_columns
from projections.engine.statements import compiled, for_each, unnested
from projections.identity import tables
from projections.identity.resolution.holders import MOST_HOLDERS

_KEY: Final = ("tenant", "resolution_id")


def _by(table: sa.Table, *names: str, more: sa.ColumnElement[bool] | None = None) -> str:
    """Selects the table's rows with these columns' values, given as arrays, one a column."""
    given = unnested("given", [table.c[name] for name in names])
    same = [table.c[name] == given.c[name] for name in names]
    found = for_each(sa.select(*row_columns(table)).where(*same, *([] if more is None else [more])), "found")
    return compiled(sa.select(*found.c).select_from(given.join(found, sa.true())), *names)


CONTACT_STATES: Final = _by(tables.CONTACT_STATES, *_KEY, "contact_id")
HOLDINGS: Final = _by(tables.HOLDINGS, *_KEY, "contact_id")
HOLDINGS_OF: Final = _by(tables.HOLDINGS, *_KEY, "contact_id", "type", "value")
LIVE_HOLDINGS: Final = _by(
    tables.HOLDINGS,
    *_KEY,
    "contact_id",
    more=sa.or_(tables.HOLDINGS.c.since.is_not(None), tables.HOLDINGS.c.type == sa.literal_column("'member_id'")),
)
MEMBERS: Final = _by(tables.MEMBERS, *_KEY, "contact_id")
NODES: Final = _by(tables.MEMBERS, *_KEY, "contact_id", "session")
PAIRS_BY: Final = _by(tables.PAIR_DECISIONS, *_KEY, "by_id")
PAIRS_OF: Final = _by(tables.PAIR_DECISIONS, *_KEY, "other_id")
REFERENCES_TO: Final = _by(tables.REFERENCES, *_KEY, "contact_id")
REFERENCES_BY: Final = _by(tables.REFERENCES, *_KEY, "by_id")
STATEMENTS_OF: Final = _by(tables.STATEMENTS, "tenant", "contact_id")
STATUSES: Final = _by(tables.STATUSES, *_KEY, "type", "value", "target")
LINKS: Final = _by(tables.HOLDINGS, *_KEY, "contact_id", "session", more=tables.IS_LINK)
CONFLICTS: Final = _by(tables.CONFLICTS, *_KEY, "contact_id", "session")
CUSTOMERS: Final = _by(tables.CUSTOMERS, *_KEY, "customer_id")
STATING: Final = _by(tables.HOLDINGS, *_KEY, "value", more=tables.HOLDINGS.c.type == sa.literal_column("'member_id'"))


def _canonical() -> str:
    given = unnested("given", [tables.CANONICAL_IDS.c[name] for name in (*_KEY, "member_id")])
    of_id = (tables.CANONICAL_IDS.c[name] == given.c[name] for name in (*_KEY, "member_id"))
    mine = for_each(sa.select(tables.CANONICAL_IDS.c.canonical).where(*of_id), "mine")
    ends = sa.select(
        given.c.tenant, given.c.resolution_id, sa.func.coalesce(mine.c.canonical, given.c.member_id).label("canonical")
    )
    ends_of = ends.select_from(given.outerjoin(mine, sa.true())).distinct().subquery("ends")
    together = (tables.CANONICAL_IDS.c[name] == ends_of.c[name] for name in (*_KEY, "canonical"))
    group = for_each(sa.select(*row_columns(tables.CANONICAL_IDS)).where(*together), "of_end")
    return compiled(sa.select(*group.c).select_from(ends_of.join(group, sa.true())), *_KEY, "member_id")


def _earliest() -> str:
    given = unnested("given", [tables.REFERENCES.c[name] for name in (*_KEY, "contact_id")])
    first = (
        sa.select(*row_columns(tables.REFERENCES))
        .where(*(tables.REFERENCES.c[name] == given.c[name] for name in (*_KEY, "contact_id")))
        .order_by(tables.REFERENCES.c.first_at)
        .limit(sa.bindparam("most", type_=sa.Integer()))
        .lateral("first")
    )
    return compiled(sa.select(*first.c).select_from(given.join(first, sa.true())), *_KEY, "contact_id", "most")


def _holders() -> str:
    """Selects, for each given identifier, its holders by tier and features, the nodes as two arrays."""
    names = (*_KEY, "type", "value", "target")
    given = unnested("given", [*(tables.HOLDINGS.c[name] for name in names), sa.column("number", sa.Integer())])
    first = (
        sa.select(tables.HOLDINGS.c.tier, tables.HOLDINGS.c.contact_id, tables.HOLDINGS.c.session)
        .where(*(tables.HOLDINGS.c[name] == given.c[name] for name in names), tables.HOLDINGS.c.tier.is_not(None))
        .order_by(tables.HOLDINGS.c.tier, tables.HOLDINGS.c.contact_id, tables.HOLDINGS.c.session)
        .limit(MOST_HOLDERS + 1)
        .lateral("first")
    )
    # A subquery with a limit, or the planner of a young table may read all members first.
    node = (
        sa.select(tables.MEMBERS.c.contact, sa.cast(tables.MEMBERS.c.features, sa.Text()).label("features"))
        .where(
            tables.MEMBERS.c.tenant == given.c.tenant,
            tables.MEMBERS.c.resolution_id == given.c.resolution_id,
            tables.MEMBERS.c.contact_id == first.c.contact_id,
            tables.MEMBERS.c.session == first.c.session,
        )
        .limit(1)
        .lateral("node")
    )
    alike = (given.c.number, first.c.tier, node.c.features)
    nodes = (sa.func.array_agg(node.c.contact), sa.func.array_agg(first.c.session))
    found = sa.select(*alike, *nodes).select_from(given.join(first, sa.true()).join(node, sa.true()))
    return compiled(found.group_by(*alike), *names, "number")


def _components() -> str:
    names = (*_KEY, "contact_id", "session")
    given = unnested("given", [tables.MEMBERS.c[name] for name in names])
    of_node = (tables.MEMBERS.c[name] == given.c[name] for name in names)
    mine = for_each(sa.select(*(tables.MEMBERS.c[name] for name in (*_KEY, "component_id"))).where(*of_node), "mine")
    components = sa.select(*mine.c).select_from(given.join(mine, sa.true())).distinct().subquery("components")
    together = (tables.MEMBERS.c[name] == components.c[name] for name in (*_KEY, "component_id"))
    found = for_each(sa.select(*row_columns(tables.MEMBERS)).where(*together), "found")
    return compiled(sa.select(*found.c).select_from(components.join(found, sa.true())), *names)


def _contacts_of_customers() -> str:
    names = (*_KEY, "customer_id")
    given = unnested("given", [tables.MEMBERS.c[name] for name in names])
    same = (tables.MEMBERS.c[name] == given.c[name] for name in names)
    one = for_each(sa.select(tables.MEMBERS.c.contact).where(*same, tables.MEMBERS.c.current), "one")
    found = sa.select(*given.c, sa.func.array_agg(one.c.contact)).select_from(given.join(one, sa.true()))
    return compiled(found.group_by(*given.c), *names)


CONTACTS_OF: Final = _contacts_of_customers()
CANONICAL: Final = _canonical()
EARLIEST: Final = _earliest()
HOLDERS: Final = _holders()
COMPONENTS: Final = _components()

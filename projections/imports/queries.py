"""Reads what is stored of the customers, or contacts, that rows are about. Call it in one snapshot."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson
import sqlalchemy as sa

from projections.attributes.tables import TABLE as ATTRIBUTES
from projections.bindings.tables import TABLE as BINDINGS
from projections.contacts.tables import TABLE as CONTACTS
from projections.customers.tables import CUSTOMER_CONTACTS, CUSTOMER_ROWS
from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.engine.statements import array, compiled
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.imports.order import ImportOrder
from projections.imports.plan import ImportTarget
from projections.tags.tables import TABLE as TAGS

_TENANT: Final = sa.bindparam("tenant", type_=sa.Text())
_ROW: Final = CUSTOMER_ROWS.c
_CUSTOMERS: Final = compiled(
    sa.select(
        _ROW.member_id,
        _ROW.customer_id,
        _ROW.name,
        _ROW.phone,
        _ROW.email,
        sa.cast(_ROW.attributes, sa.Text).label("attributes"),
    ).where(_ROW.tenant == _TENANT, _ROW.member_id == sa.any_(array("uids", sa.Text()))),
    "tenant",
    "uids",
)
_CONTACTS_OF: Final = compiled(
    sa.select(CUSTOMER_CONTACTS.c.customer_id, CUSTOMER_CONTACTS.c.contact_id).where(
        CUSTOMER_CONTACTS.c.tenant == _TENANT, CUSTOMER_CONTACTS.c.customer_id == sa.any_(array("customers", sa.Uuid()))
    ),
    "tenant",
    "customers",
)


def _of_contacts(table: sa.Table, *names: str) -> str:
    return compiled(
        sa.select(
            table.c.contact_id,
            *(sa.cast(table.c[name], sa.Text).label(name) if name in _JSON else table.c[name] for name in names),
        ).where(table.c.tenant == _TENANT, table.c.contact_id == sa.any_(array("contacts", sa.Uuid()))),
        "tenant",
        "contacts",
    )


_JSON: Final = frozenset({"value", "stamps"})
_CONTACT_ROWS: Final = _of_contacts(
    CONTACTS, "channel", "account", "uid", "display_name", "staff_member", "staff_branch", "staff_at", "stamps"
)
_TAG_ROWS: Final = _of_contacts(TAGS, "tag", "taggings", "last_at", "last_event", "expires_at", "removed_event")
_ATTRIBUTE_ROWS: Final = _of_contacts(ATTRIBUTES, "key", "value", "event_id")
_BINDING_ROWS: Final = _of_contacts(BINDINGS, "type", "value", "bound", "event_id")


class TargetReader:
    """Reads the targets of one tenant's import; tags that run out by ``now``, in ms, are not on a contact."""

    def __init__(self, tenant: str, order: ImportOrder, id_of: IdOf, policy: Policy, now: int) -> None:
        self._tenant = tenant
        self._order = order
        self._id_of = id_of
        self._policy = policy
        self._now = now

    async def read(self, connection: Connection, uids: Sequence[str]) -> dict[str, ImportTarget]:
        """The target of each uid. Six statements at most, whatever the number of rows."""
        channel, account = self._order.place
        own = {uid: self._id_of(self._tenant, f"{channel}:{account}:{uid}") for uid in uids}
        customers: dict[str, list[Any]] = defaultdict(list)
        contacts: dict[str, set[UUID]] = {uid: {one} for uid, one in own.items()}
        if self._order.kind == "customers":
            rows = await connection.fetch(_CUSTOMERS, self._tenant, list(uids))
            uid_of: dict[UUID, str] = {}
            for row in rows:
                customers[row[0]].append(row)
                uid_of[row[1]] = row[0]
            for customer, contact in await connection.fetch(_CONTACTS_OF, self._tenant, list(uid_of)):
                contacts[uid_of[customer]].add(contact)
        stored = await self._stored(connection, {one for found in contacts.values() for one in found})
        return {uid: self._target(customers[uid], own[uid], contacts[uid], stored) for uid in uids}

    async def _stored(self, connection: Connection, ids: Iterable[UUID]) -> Mapping[str, Mapping[UUID, list[Any]]]:
        found: dict[str, dict[UUID, list[Any]]] = {}
        listed = list(ids)
        for name, statement in (
            ("contacts", _CONTACT_ROWS),
            ("tags", _TAG_ROWS),
            ("attributes", _ATTRIBUTE_ROWS),
            ("bindings", _BINDING_ROWS),
        ):
            of_contact: dict[UUID, list[Any]] = defaultdict(list)
            for row in await connection.fetch(statement, self._tenant, listed):
                of_contact[row[0]].append(row)
            found[name] = of_contact
        return found

    def _target(
        self,
        customers: Sequence[Any],
        own: UUID,
        contacts: Iterable[UUID],
        stored: Mapping[str, Mapping[UUID, list[Any]]],
    ) -> ImportTarget:
        of_own = {name: rows.get(own, []) for name, rows in stored.items()}
        tags, standing = dict[str, frozenset[str]](), _standing(of_own)
        identifiers = set[tuple[str, str]]()
        for contact in contacts:
            key = next((_key(row) for row in stored["contacts"].get(contact, ())), None)
            on_it = [one for one in stored["tags"].get(contact, ()) if self._is_on(one)]
            if key is not None:
                tags[key] = frozenset(one["tag"] for one in on_it)
                standing |= {("tag.removed", f"{key} {one['tag']}"): _state(one["last_event"]) for one in on_it}
            for row in stored["bindings"].get(contact, ()):
                identifiers.update(self._normalised(row["type"], row["value"]) if row["bound"] else ())
        for row in customers:
            identifiers.update(one for kind in ("phone", "email") for one in self._normalised(kind, row[kind] or ""))
        attributes = {
            one["key"]: orjson.loads(one["value"]) for one in of_own["attributes"] if one["value"] is not None
        }
        for row in customers:
            attributes |= {key: value for key, (_, value, _) in orjson.loads(row["attributes"]).items()}
        names = {row["display_name"] for row in of_own["contacts"]} | {row["name"] for row in customers}
        staff = next(((row["staff_member"], row["staff_branch"]) for row in of_own["contacts"]), (None, None))
        return ImportTarget(
            bool(customers or of_own["contacts"]),
            frozenset(name for name in names if name),
            frozenset(identifiers),
            tags,
            attributes,
            (staff[0] or "", staff[1] or ""),
            standing,
        )

    def _is_on(self, tag: Any) -> bool:
        return tag["taggings"] > 0 and tag["last_at"] is not None and (tag["expires_at"] or self._now + 1) > self._now

    def _normalised(self, kind: str, value: str) -> Iterable[tuple[str, str]]:
        found = normalise(kind, value, self._policy)
        if isinstance(found, Normalised):
            yield kind, found.value


def _key(row: Any) -> str:
    return f"{row['channel']}:{row['account']}:{row['uid']}"


def _standing(own: Mapping[str, Sequence[Any]]) -> dict[tuple[str, str], str]:
    """What stands in the place of each statement about the contact itself; see ImportTarget."""
    found: dict[tuple[str, str], str] = {}
    for row in own["contacts"]:
        found["profile.updated", ""] = _state(row["stamps"])
        found["omo.bound", ""] = found["omo.unbound", ""] = _state(row["staff_at"])
    found |= {("identity.bound", f"{row['type']}:{row['value']}"): _state(row["event_id"]) for row in own["bindings"]}
    found |= {("attribute.set", row["key"]): _state(row["event_id"]) for row in own["attributes"]}
    return found | {("tag.added", row["tag"]): _state(row["last_event"], row["removed_event"]) for row in own["tags"]}


def _state(*parts: object) -> str:
    return "|".join(str(part) for part in parts)

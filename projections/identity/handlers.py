"""A chunk of events into the tables of identity: load, decide, save. `projections.identity.folds` says in which steps.

The tables do not depend on order, duplicates or batching of the events. Only the outbox does: it records one change of
a customer per commit.
"""

from collections.abc import Iterable

from projections.engine.connection import Connection
from projections.identity.affected import Affected, find_affected, link_changes, over_limit_by_tenant
from projections.identity.contact_updates import (
    Updates,
    reference_changes,
    set_first_references,
    subjects_of,
    update_contacts,
)
from projections.identity.folds import IdentityState, decide
from projections.identity.incremental import merge_incrementally
from projections.identity.keys import ContactKey
from projections.identity.ports import IdentityStore
from projections.identity.rules import Rules
from projections.identity.statements import Recorded, Statement, distinct, record_evidence, statements_in
from projections.identity.store import PostgresIdentityStore
from projections.identity.tables import MemberRow
from schemas.events import Event


async def save_events(connection: Connection, events: Iterable[Event], rules: Rules) -> int:
    """Fold the events into the identity tables of the connection's schema. Returns how many of them were new.

    Call it inside a transaction that moves the offsets of these events. No other transaction may write the identity of
    these tenants meanwhile: the epoch of the offsets ensures it. Raises what PostgreSQL raises.
    """
    return await save(PostgresIdentityStore(connection, rules.resolution_of), events, rules)


async def save(store: IdentityStore, events: Iterable[Event], rules: Rules, *, in_full: bool = False) -> int:
    """Fold the events into identity, inside the caller's transaction. Returns how many of them were new.

    Events that state nothing about identity may be among them, and change nothing. ``in_full`` resolves every affected
    component in full, also where the fast case would do: the tables come out the same.
    """
    return await save_statements(store, statements_in(events, rules), rules, in_full=in_full)


async def save_statements(
    store: IdentityStore, statements: Iterable[Statement], rules: Rules, *, in_full: bool = False
) -> int:
    """The same for statements."""
    chosen = distinct(statements)
    recorded = record_evidence(chosen, await store.statements(chosen.keys())) if chosen else Recorded([], [])
    if recorded.new:
        state = await load(store, recorded, rules, in_full=in_full)
        await store.save(decide(state, recorded, rules))
    return recorded.unseen


async def load(store: IdentityStore, recorded: Recorded, rules: Rules, *, in_full: bool = False) -> IdentityState:
    """What the recorded statements can touch."""
    subjects = subjects_of(recorded, rules)
    rows = await store.members(subjects.contacts.keys()) if subjects.contacts else {}
    history = await store.statements_of(subjects.reduced.keys()) if subjects.reduced else []
    updates = update_contacts(subjects, recorded, rows, history, rules)
    references = reference_changes(updates, rules)
    if references.lookups:
        set_first_references(updates, references, await store.first_references(references.lookups))
    links = link_changes(updates, rules)
    holders = await store.holders(links.lookups(rules)) if links.holders_of else {}
    affected = find_affected(recorded.new, updates, links, holders, rules)
    stored = [one for one in affected.contacts if one not in updates or updates[one].row is not None]
    customers = await store.current_customers(stored) if stored else {}
    known = [one for one in stored if _may_link_over_limit(one, updates)]
    over_limit = over_limit_by_tenant(affected, await store.conflicts(known) if known else [])
    merged = [] if in_full else merge_incrementally(updates, affected, customers, over_limit, rules)
    changing = [customer for one in merged if rules.policy_of(one.tenant).announced for customer in one.lookups]
    contacts = await store.contacts_by_customer(changing) if changing else {}
    done = {one for each in merged for one in each.contacts}
    components = await _components(store, updates, affected, done)
    conflicting = [one for one, row in components.items() if row is not None and row.refused]
    conflicts = await store.conflicts(conflicting) if conflicting else []
    return IdentityState(updates, references, links, affected, customers, merged, contacts, components, conflicts)


def _may_link_over_limit(contact_id: ContactKey, updates: Updates) -> bool:
    """Whether the contact's links were derived, and some of them may be refused as they were before."""
    update = updates.get(contact_id)
    return update is not None and update.links is not None and update.row is not None and update.row.refused > 0


async def _components(
    store: IdentityStore, updates: Updates, affected: Affected, done: set[ContactKey]
) -> dict[ContactKey, MemberRow | None]:
    """All contacts in the components of the affected ones that are not done, with their rows if they have one."""
    left = [one for one in affected.contacts if one not in done]
    stored = [one for one in left if one not in updates or updates[one].row is not None]
    found: dict[ContactKey, MemberRow | None] = {one: updates[one].row for one in left if one in updates}
    for row in await store.components(stored) if stored else ():
        found[row.tenant, row.contact_id] = row
    return found

"""Identity as a fold: load, decide, save.

`projections.identity.handlers` loads what a chunk of evidence can touch, `decide` says what changes, and the store
saves it as one delta. Nothing is written before everything is decided. Both sides take a constant number of statements,
however large the chunk is; between two reads, pure functions work out what the next one needs:

1. the stored statements with the keys of the chunk's: tells repeats from new statements (one read; a chunk that states
   nothing new ends here);
2. the members that the new statements are about; where statements are superseded, all statements of their contacts;
3. where references are taken away, the first references of the contacts that lose them, one more than are taken away;
4. the first holders of the identifiers whose links change, up to the identifier's limit, one and the links that go;
5. the customers of the affected contacts, and the conflicts of those whose links were derived;
6. for the fast case (`incremental`) the contacts of the customers that change; for the others (`full_resolution`) the
   members of their components and their conflicts.

That is at most ten reads. What a read returns is bounded by the chunk, the limits of the policy and the size of the
components touched; it does not depend on how many contacts there are or how many hold one value.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from projections.identity.affected import Affected, LinkChanges, over_limit_by_tenant
from projections.identity.contact_updates import ReferenceChanges, Updates
from projections.identity.delta import IdentityDelta
from projections.identity.full_resolution import StoredComponents, resolve_components
from projections.identity.incremental import CurrentCustomer, Merged, resolved_by_merging
from projections.identity.keys import ContactKey, CustomerKey
from projections.identity.resolved import Assignment, Resolved, add_to, member_row
from projections.identity.rules import Rules
from projections.identity.statements import Recorded
from projections.identity.tables import ConflictRow, CustomerRow, MemberRow


@dataclass(frozen=True, slots=True)
class IdentityState:
    """What was loaded for a chunk, with what was worked out on the way.

    ``merged`` are the components of the fast case, ``contacts`` the contact keys of their customers that change.
    ``components`` are all contacts to resolve in full, with their rows if they have one, and ``conflicts`` their stored
    conflicts. ``customers`` are those of the affected contacts that have a row.
    """

    updates: Updates
    references: ReferenceChanges
    links: LinkChanges
    affected: Affected
    customers: Mapping[ContactKey, CurrentCustomer]
    merged: list[Merged]
    contacts: Mapping[CustomerKey, list[str]]
    components: Mapping[ContactKey, MemberRow | None]
    conflicts: list[ConflictRow]


def decide(state: IdentityState, recorded: Recorded, rules: Rules) -> IdentityDelta:
    """What changes in the tables by the recorded statements."""
    new, replaced = recorded.rows(rules)
    delta = IdentityDelta(
        statements_new=new,
        statements=replaced,
        links_new=state.links.new,
        links_gone=state.links.gone,
        references=state.references.written,
        references_gone=state.references.gone,
    )
    resolved = [resolved_by_merging(one, state.updates, state.contacts, rules) for one in state.merged]
    resolved += _resolve_in_full(state, rules)
    for one in resolved:
        add_to(delta, one, rules.policy_of(one.tenant), state.affected.causes)
    delta.members.extend(_only_evidence(state, resolved, rules))
    return delta


def _resolve_in_full(state: IdentityState, rules: Rules) -> Iterator[Resolved]:
    rows: dict[str, dict[UUID, MemberRow | None]] = {}
    for (tenant, contact_id), row in state.components.items():
        rows.setdefault(tenant, {})[contact_id] = row
    conflicts: dict[str, list[ConflictRow]] = {}
    for conflict in state.conflicts:
        conflicts.setdefault(conflict.tenant, []).append(conflict)
    customers: dict[str, dict[UUID, CustomerRow]] = {}
    for (tenant, _), current in state.customers.items():
        customers.setdefault(tenant, {})[current.customer.customer_id] = current.customer
    over_limit = over_limit_by_tenant(state.affected, state.conflicts)
    for tenant, of_tenant in rows.items():
        stored = StoredComponents(tenant, of_tenant, conflicts.get(tenant, ()), customers.get(tenant, {}))
        yield resolve_components(stored, state.updates, over_limit.get(tenant, {}), rules.policy_of(tenant))


def _only_evidence(state: IdentityState, resolved: list[Resolved], rules: Rules) -> Iterator[MemberRow]:
    """The rows of contacts with new evidence that changes nothing in their component."""
    done = {(one.tenant, assignment.contact_id) for one in resolved for assignment in one.assignments}
    for contact_id, update in state.updates.items():
        row = update.row
        if row is not None and contact_id not in done and update.after != update.before:
            belongs = (row.customer_id, row.component, row.refused)
            one = Assignment(row.contact_id, row.contact, row, update.after, *belongs)
            yield member_row((row.tenant, rules.resolution_of(row.tenant)), one)

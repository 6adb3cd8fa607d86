"""Decides who is who when new evidence arrives: state and evidence in, what changes out. Pure: nothing is written.

Deciding goes in steps, each of which may ask for what it needs to know (`projections.identity.loads`):

1. `contact_updates`: the new evidence into the states of the contacts that it is about;
2. `affected`: which nodes and identifiers that can affect;
3. `incremental`: the fast case, where customers only grow, or become one, and nothing stands against it;
4. `full_resolution`: the components of all others, by *join*.
"""

from collections.abc import Generator
from typing import Any

from projections.identity.affected import find_affected
from projections.identity.contact_updates import update_contacts
from projections.identity.decided import Decided
from projections.identity.full_resolution import resolve_components
from projections.identity.incremental import merge_incrementally
from projections.identity.loads import Components, CurrentNodes, Load, LoadComponents, LoadContactsOf, LoadCurrent
from projections.identity.new_evidence import NewEvidence
from projections.identity.resolution.policy import Policy


def decide(evidence: NewEvidence, policy: Policy, *, in_full: bool = False) -> Generator[Load, Any, Decided]:
    """What new evidence changes under the policy. What it yields is to be loaded, and sent to it.

    ``in_full`` resolves every affected component in full, also where the fast case would do: it decides the same.
    """
    updates = yield from update_contacts(evidence, policy)
    affected = yield from find_affected(updates, policy)
    decided = Decided(updates, affected)
    current: CurrentNodes = yield LoadCurrent(
        frozenset(affected.nodes), frozenset(affected.before.keys() | affected.after.keys())
    )
    rest, growing = (affected.nodes, {}) if in_full else merge_incrementally(decided, current, policy)
    contacts: dict[str, tuple[str, ...]] = yield LoadContactsOf(frozenset(growing))
    for founder, known in contacts.items():
        decided.members_before |= dict.fromkeys(known, founder)
        decided.members |= dict.fromkeys(known, growing[founder])
    components: Components = yield LoadComponents(frozenset(rest))
    resolve_components(decided, rest, components, policy)
    decided.forget_erased()
    decided.keep_what_differs()
    return decided

"""Who is who by the letter of the rules, from the log itself, against what identity makes of what it was told.

It isn't told of every event that an intrinsic identifier rides on, and must come to the same all the same.
"""

from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from projections.engine.projection import ContactEvent
from projections.identity.ports import Rules
from projections.identity.resolution.gather import Gatherer
from projections.identity.resolution.resolution import resolve
from projections.identity.resolutions import tenant_of
from projections.identity.tables import MemberRow
from schemas.restatements import restated_in
from services.verify.check_evidence import restated
from services.verify.comparing import Comparison, Rows

_NAME: Final = "resolution"

_Who = tuple[str, str]  # space, contact


def compare_literal(said: Iterable[ContactEvent], members: Rows, rules: Rules) -> Comparison:
    """The ``members`` that identity comes to against what the events that were said come to."""
    expected = dict(_literally(said, rules))
    found = {(row.tenant, row.contact): row.customer_id for row in (MemberRow(*one) for one in members.values())}
    wrong = [
        f"tenant {tenant_of(space)}, contact {rules.id_of(space, contact)}: belongs to another customer by the log"
        for space, contact in expected.keys() | found.keys()
        if expected.get((space, contact)) != found.get((space, contact))
    ]
    return Comparison(_NAME, len(expected), len(found), min(wrong, default=None))


def ahead(said: Iterable[ContactEvent], heard: Iterable[ContactEvent]) -> bool:
    """Whether identity heard of events that are not among those that were said."""
    heard = list(heard)
    known = {(one.event.tenant, one.contact_id, one.event.stamp) for one in said}
    events = {(one.event.tenant, one.contact_id, one.event.stamp) for one in heard if restated_in(one.event) is None}
    return not known.issuperset(events | {(*key[:2], stamp) for key, stamp in restated(heard).items()})


def _literally(said: Iterable[ContactEvent], rules: Rules) -> Iterator[tuple[_Who, UUID]]:
    """Every contact of whom something is stated, with its customer."""
    for space, gatherer in _gathered(said, rules).items():
        evidence = gatherer.evidence()
        described = evidence.described
        for customer in resolve(evidence, rules.policy_of(space).policy).customers:
            for contact in described.intersection(customer.contacts):
                yield (space, contact), rules.id_of(space, customer.founder)


def _gathered(said: Iterable[ContactEvent], rules: Rules) -> dict[str, Gatherer]:
    found: dict[str, Gatherer] = {}
    for one in said:
        if one.event.contact is not None:
            found.setdefault(rules.space_of(one.event.tenant), Gatherer()).add(one.event)
    return found

"""What listeners of the customer-changes topic have to learn when another generation becomes the active one.

Whatever the two generations have folded, and by which code: the changes lead from the membership that the former one
has announced to that of the following one, and the numbers of each customer's changes go on.
"""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from projections.engine.connection import Connection
from projections.engine.ids import IdOf
from projections.identity.change_events import change_event
from projections.identity.handlers import save_evidence
from projections.identity.keys import ResolutionKey
from projections.identity.new_evidence import NewEvidence
from projections.identity.policies import rules_of
from projections.identity.resolution.membership_changes import changes
from projections.identity.resolutions import ResolutionInUse, resolutions_in_use
from projections.identity.store.generations import MovedContact
from schemas.changes import CustomerChange
from schemas.events.base import Stamp


async def takeover_changes(
    connection: Connection, moved: Iterable[MovedContact], cause: Stamp, id_of: IdOf, region: str
) -> list[CustomerChange]:
    """The changes, without their numbers, for what `membership_difference` gives, which is sorted by tenant.

    The connection is of the following generation. Contacts that it has lost get a row in it, in the transaction:
    listeners know them as customers.
    """
    found: list[CustomerChange] = []
    for tenant, group in groupby(moved, key=attrgetter("tenant")):
        rows = list(group)
        (active,) = (one for one in await resolutions_in_use(connection, [tenant]) if one.active)
        await _keep(connection, active, [one.contact for one in rows if one.lost], id_of, region)
        found += _changes(active, rows, cause)
    return found


async def _keep(connection: Connection, active: ResolutionInUse, contacts: list[str], id_of: IdOf, region: str) -> None:
    if contacts:
        key = ResolutionKey(active.tenant, active.resolution_id)
        evidence = NewEvidence({}, {contact: {} for contact in contacts})
        await save_evidence(connection, {key: evidence}, rules_of([active], region), id_of)


def _changes(active: ResolutionInUse, rows: list[MovedContact], cause: Stamp) -> list[CustomerChange]:
    before = {one.contact: one.before for one in rows if one.before is not None}
    after = {one.contact: one.after for one in rows}
    found = changes(before, after, {one.contact_id: one.contact for one in rows})
    return [change_event(active.tenant, one, [cause], active.version) for one in found]

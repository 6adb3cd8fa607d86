"""New statements into the evidence of contacts: whose evidence changes, and how.

Evidence is a join, so new evidence is merged in. Only where a statement took the place of another one, evidence must be
taken away: then what its contact stated is derived again from all of its statements, and so is what else the statement
contributed to (the decision about a pair, the references to a contact).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from projections.engine.metadata import Key
from projections.identity.contact_evidence import ContactEvidence, evidence_of
from projections.identity.keys import ContactKey, Reference
from projections.identity.resolution.contact_links import ContactLinks
from projections.identity.resolution.evidence import Decision, Evidence, Pair, pair_of
from projections.identity.resolution.gather import DECIDED, EvidenceRecord, to_evidence
from projections.identity.resolution.values import is_contact_key
from projections.identity.rules import Rules
from projections.identity.statements import Recorded, record_of
from projections.identity.tables import MemberRow, ReferenceRow, StatementRow

_Records = dict[str, dict[str, dict[str, EvidenceRecord]]]  # by tenant, contact and event id


@dataclass(slots=True)
class ContactUpdate:
    """A contact that new statements are about: its row if it has one, and its evidence before and after.

    ``links`` are those it has now, once they were derived because its holdings changed. ``reduced``: a superseded
    statement was about it, so its evidence may have become less.
    """

    contact: str
    row: MemberRow | None
    before: ContactEvidence
    after: ContactEvidence
    links: ContactLinks | None = None
    reduced: bool = False


Updates = dict[ContactKey, ContactUpdate]


class Subjects(NamedTuple):
    """Whom new statements are about: the new evidence by tenant, and the keys of the contacts by their ids.

    ``reduced`` are those among the contacts that superseded statements were about.
    """

    evidence: Mapping[str, Evidence]
    contacts: Mapping[ContactKey, str]
    reduced: Mapping[ContactKey, str]


def subjects_of(recorded: Recorded, rules: Rules) -> Subjects:
    """The contacts about whom something is stated; a contact that only has an event needs no row."""
    records: _Records = {}
    for one in recorded.new:
        records.setdefault(one.contact_id[0], {}).setdefault(one.contact, {})[one.event_id] = one.record
    evidence = {tenant: to_evidence(of_tenant) for tenant, of_tenant in records.items()}
    contacts = {
        (tenant, rules.id_of(tenant, contact)): contact for tenant, new in evidence.items() for contact in new.described
    }
    reduced = {
        (one.contact_id[0], rules.id_of(one.contact_id[0], contact)): contact
        for one in recorded.superseded
        for contact in (one.contact, *one.others)
    }
    return Subjects(evidence, contacts | reduced, reduced)


def update_contacts(
    subjects: Subjects,
    recorded: Recorded,
    rows: Mapping[ContactKey, MemberRow],
    history: Iterable[StatementRow],
    rules: Rules,
) -> Updates:
    """The evidence of each subject before and after.

    ``rows`` are the stored rows of the subjects, ``history`` the stored statements of the reduced ones.
    """
    updates: Updates = {}
    for contact_id, contact in subjects.contacts.items():
        row = rows.get(contact_id)
        evidence = evidence_of(row)
        updates[contact_id] = ContactUpdate(contact, row, evidence, evidence, reduced=contact_id in subjects.reduced)
    for tenant, new in subjects.evidence.items():
        _merge(updates, tenant, new, rules)
    if recorded.superseded:
        _derive_again(updates, subjects, recorded, history, rules)
    return updates


def _merge(updates: Updates, tenant: str, new: Evidence, rules: Rules) -> None:
    decisions: dict[str, dict[str, Decision]] = {}
    for (lesser, greater), decision in new.decisions.items():
        decisions.setdefault(lesser, {})[greater] = decision
    for contact in {**new.holdings, **new.first_referenced_at, **decisions}:
        one = updates[tenant, rules.id_of(tenant, contact)]
        one.after = one.before.merge(
            new.holdings.get(contact, {}), decisions.get(contact, {}), new.first_referenced_at.get(contact)
        )


def _derive_again(
    updates: Updates, subjects: Subjects, recorded: Recorded, history: Iterable[StatementRow], rules: Rules
) -> None:
    """Take the evidence of superseded statements away."""
    whole = _all_evidence(subjects, recorded, history)
    for one in recorded.superseded:
        tenant = one.contact_id[0]
        update = updates[one.contact_id]
        update.after = update.after._replace(holdings=whole[tenant].holdings.get(one.contact, {}))
        if one.record.type == DECIDED:
            for other, _, _ in one.record.assertions:
                _decide_again(updates, tenant, pair_of(one.contact, other), whole[tenant], rules)


def _all_evidence(subjects: Subjects, recorded: Recorded, history: Iterable[StatementRow]) -> dict[str, Evidence]:
    """Everything that the reduced contacts state now: the stored statements, overlaid with the new ones."""
    records: _Records = {}

    def add(contact_id: ContactKey, event_id: str, record: EvidenceRecord) -> None:
        of_tenant = records.setdefault(contact_id[0], {})
        of_tenant.setdefault(subjects.reduced[contact_id], {})[event_id] = record

    for row in history:
        add((row.tenant, row.contact_id), row.event_id, record_of(row))
    for one in recorded.new:
        if one.contact_id in subjects.reduced:
            add(one.contact_id, one.event_id, one.record)
    return {tenant: to_evidence(of_tenant) for tenant, of_tenant in records.items()}


def _decide_again(updates: Updates, tenant: str, pair: Pair, whole: Evidence, rules: Rules) -> None:
    lesser, greater = pair
    update = updates[tenant, rules.id_of(tenant, lesser)]
    decisions = {other: made for other, made in update.after.decisions.items() if other != greater}
    if pair in whole.decisions:
        decisions[greater] = whole.decisions[pair]
    update.after = update.after._replace(decisions=decisions)


class ReferenceChanges(NamedTuple):
    """What changes in ``references``: rows to write, keys to delete.

    ``lookups`` are contacts whose first reference may be later now, with how many stored references of each must be
    read to know it: one more than change.
    """

    written: list[ReferenceRow]
    gone: list[Key]
    lookups: dict[ContactKey, int]


def reference_changes(updates: Updates, rules: Rules) -> ReferenceChanges:
    """The references that the updated contacts make now and did not make before, and the other way round."""
    changes = ReferenceChanges([], [], {})
    changed: dict[ContactKey, int] = {}
    for (tenant, contact_id), update in updates.items():
        if update.before.holdings is update.after.holdings:
            continue
        before, after = _references(update.before), _references(update.after)
        for contact in {**before, **after}:
            referenced = (tenant, rules.id_of(tenant, contact))
            at, now = before.get(contact), after.get(contact)
            if at == now:
                continue
            changed[referenced] = changed.get(referenced, 0) + 1
            key = (tenant, rules.resolution_of(tenant), referenced[1], contact_id)
            if now is None:
                changes.gone.append(key)
            else:
                changes.written.append(ReferenceRow(*key, now))
            if at is not None and (now is None or now > at):
                changes.lookups[referenced] = 0
    for referenced in changes.lookups:
        changes.lookups[referenced] = changed[referenced] + 1
    return changes


def _references(evidence: ContactEvidence) -> dict[str, int]:
    """The contacts that this one states to be its identifiers, with the time of the first such statement."""
    return {
        value: holding.first_stated_at
        for (type_name, value), holding in evidence.holdings.items()
        if type_name == "contact" and is_contact_key(value)
    }


def set_first_references(
    updates: Updates, changes: ReferenceChanges, stored: Mapping[ContactKey, list[Reference]]
) -> None:
    """Set when the contacts of ``changes.lookups`` are first referenced, given their first stored references."""
    times: dict[ContactKey, dict[object, int]] = {
        contact_id: {by_id: at for at, by_id in stored.get(contact_id, ())} for contact_id in changes.lookups
    }
    for tenant, _, contact_id, by_id in changes.gone:
        times.get((tenant, contact_id), {}).pop(by_id, None)
    for row in changes.written:
        times.get((row.tenant, row.contact_id), {})[row.by_id] = row.at
    for contact_id, found in times.items():
        update = updates[contact_id]
        update.after = update.after._replace(first_referenced_at=min(found.values(), default=None))

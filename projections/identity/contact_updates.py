"""News into dossiers: whose evidence changes, and how.

Evidence is a join, so news is merged in. Only where an event turned out to say something else than it was first
heard to say, evidence must be taken back: then what its contact stated is gathered again from all its statements,
and so is what else the event had a part in (decisions of a pair, the naming of a contact).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from projections.engine.metadata import Key
from projections.identity.contact_evidence import ContactEvidence, evidence_of
from projections.identity.ports import Identities, Rules
from projections.identity.resolution.contact_links import ContactLinks
from projections.identity.resolution.evidence import Decision, Evidence, Pair, pair_of
from projections.identity.resolution.gather import DECIDED, EvidenceRecord, to_evidence
from projections.identity.resolution.values import is_contact_key
from projections.identity.statements import Heard, Statement, record_of
from projections.identity.store import ContactKey
from projections.identity.tables import MemberRow, ReferenceRow


@dataclass(slots=True)
class ContactUpdate:
    """A contact that news is about: its row, if it had one, and its dossier before and after.

    ``standing`` is what it brings to resolution now, once somebody has asked. ``taken_back`` says that an event was
    overruled that had to do with it, so its evidence may have become less.
    """

    contact: str
    row: MemberRow | None
    before: ContactEvidence
    after: ContactEvidence
    standing: ContactLinks | None = None
    taken_back: bool = False


Files = dict[ContactKey, ContactUpdate]


async def fold(identities: Identities, heard: Heard, rules: Rules) -> Files:
    """The dossiers of everybody that the news is about; namings are written."""
    told = _by_tenant(heard.news)
    evidence = {tenant: to_evidence(events) for tenant, events in told.items()}
    files = await _open(identities, _about(evidence, rules) | _at_risk(heard.overruled, rules))
    for tenant, news in evidence.items():
        _merge(files, tenant, news, rules)
    if heard.overruled:
        await _gather_again(identities, files, heard.overruled, rules)
    await _name(identities, files, rules)
    return files


def _by_tenant(news: Iterable[Statement]) -> dict[str, dict[str, dict[str, EvidenceRecord]]]:
    told: dict[str, dict[str, dict[str, EvidenceRecord]]] = {}
    for one in news:
        told.setdefault(one.who[0], {}).setdefault(one.contact, {})[one.event_id] = one.record
    return told


def _about(evidence: Mapping[str, Evidence], rules: Rules) -> dict[ContactKey, str]:
    """Everybody of whom something is stated; who only appears in an event needs no row."""
    return {
        (tenant, rules.id_of(tenant, contact)): contact
        for tenant, news in evidence.items()
        for contact in news.described
    }


def _at_risk(overruled: Iterable[Statement], rules: Rules) -> dict[ContactKey, str]:
    """Everybody of whom an overruled statement said something."""
    found: dict[ContactKey, str] = {}
    for one in overruled:
        tenant = one.who[0]
        for contact in {one.contact, *others_in(one)}:
            found[tenant, rules.id_of(tenant, contact)] = contact
    return found


def others_in(one: Statement) -> list[str]:
    """The other contacts that a statement is about."""
    if one.record.type == DECIDED:
        found = [other for other, _, _ in one.record.assertions]
    else:
        found = [value for type_name, value, _ in one.record.assertions if type_name == "contact"]
    found += [value for type_name, value in one.record.intrinsic if type_name == "contact"]
    return [contact for contact in found if is_contact_key(contact)]


async def _open(identities: Identities, contacts: Mapping[ContactKey, str]) -> Files:
    rows = await identities.members(list(contacts)) if contacts else {}
    files: Files = {}
    for who, contact in contacts.items():
        row = rows.get(who)
        dossier = evidence_of(row)
        files[who] = ContactUpdate(contact, row, dossier, dossier)
    return files


def _merge(files: Files, tenant: str, news: Evidence, rules: Rules) -> None:
    decisions: dict[str, dict[str, Decision]] = {}
    for (lesser, greater), decision in news.decisions.items():
        decisions.setdefault(lesser, {})[greater] = decision
    for contact in {*news.holdings, *news.first_referenced_at, *decisions}:
        one = files[tenant, rules.id_of(tenant, contact)]
        one.after = one.before.merge(
            news.holdings.get(contact, {}), decisions.get(contact, {}), news.first_referenced_at.get(contact)
        )


async def _gather_again(identities: Identities, files: Files, overruled: Iterable[Statement], rules: Rules) -> None:
    involved = _at_risk(overruled, rules)
    told: dict[str, dict[str, dict[str, EvidenceRecord]]] = {}
    for row in await identities.statements(list(involved)):
        contact = involved[row[:2]]
        told.setdefault(row.tenant, {}).setdefault(contact, {})[row.event_id] = record_of(row)
    evidence = {tenant: to_evidence(events) for tenant, events in told.items()}
    for who in involved:
        files[who].taken_back = True
    for one in overruled:
        tenant = one.who[0]
        file, whole = files[one.who], evidence[tenant]
        file.after = file.after._replace(holdings=whole.holdings.get(one.contact, {}))
        if one.record.type == DECIDED:
            for other, _, _ in one.record.assertions:
                _decide_again(files, tenant, pair_of(one.contact, other), whole, rules)


def _decide_again(files: Files, tenant: str, pair: Pair, whole: Evidence, rules: Rules) -> None:
    lesser, greater = pair
    file = files[tenant, rules.id_of(tenant, lesser)]
    decisions = {other: made for other, made in file.after.decisions.items() if other != greater}
    if pair in whole.decisions:
        decisions[greater] = whole.decisions[pair]
    file.after = file.after._replace(decisions=decisions)


async def _name(identities: Identities, files: Files, rules: Rules) -> None:
    """Write who named whom, and where a naming was taken back or is later now, when the named was first."""
    gone: list[Key] = []
    known: list[ReferenceRow] = []
    later: list[ContactKey] = []
    for (tenant, contact_id), file in files.items():
        if file.before.holdings is file.after.holdings:
            continue
        before, after = _names(file.before), _names(file.after)
        for contact in before.keys() | after.keys():
            named = (tenant, rules.id_of(tenant, contact))
            at, now = before.get(contact), after.get(contact)
            if now is None:
                gone.append((*named, contact_id))
            elif now != at:
                known.append(ReferenceRow(*named, contact_id, now))
            if at is not None and (now is None or now > at):
                later.append(named)
    if gone or known:
        await identities.name(gone, known)
    if later:
        named_at = await identities.named(later)
        for who in later:
            files[who].after = files[who].after._replace(named_at=named_at.get(who))


def _names(dossier: ContactEvidence) -> dict[str, int]:
    return {
        value: holding.first_stated_at
        for (type_name, value), holding in dossier.holdings.items()
        if type_name == "contact" and is_contact_key(value)
    }

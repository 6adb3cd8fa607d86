"""A chunk of events into who is who: hear, fold, reach, resolve, write, in a fixed number of steps for any chunk.

What is remembered is a function of the set of events ever saved, so order, repetition and the cut into chunks never
show in it; only the changes tell a history, that of the commits. A chunk that says nothing new costs one look.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from projections.engine.metadata import Key
from projections.identity.affected import Affected, over_limit_in_conflicts, reach
from projections.identity.contact_evidence import ContactEvidence, evidence_of
from projections.identity.contact_updates import Files, fold
from projections.identity.full_resolution import Part, settle
from projections.identity.incremental import settle_in_peace
from projections.identity.ports import Identities, Rules
from projections.identity.resolution.contact_links import ContactLinks
from projections.identity.resolution.links import Identifier
from projections.identity.resolution.policy import Policy
from projections.identity.statements import Statement, hear, statements_in
from projections.identity.store import ContactKey, IdentityDelta
from projections.identity.tables import ConflictRow, MemberRow
from schemas.events import Event

Rows = dict[ContactKey, MemberRow | None]


async def save(identities: Identities, events: Iterable[Event], rules: Rules, *, in_full: bool = False) -> int:
    """Fold the events into identity, inside the caller's transaction; how many of them were new.

    Events that say nothing of identity may be among them, and change nothing. ``in_full`` resolves every component
    that the news reaches, also where the short way would do: it comes to the same, only slower.
    """
    return await save_statements(identities, statements_in(events, rules), rules, in_full=in_full)


async def save_statements(
    identities: Identities, statements: Iterable[Statement], rules: Rules, *, in_full: bool = False
) -> int:
    """The same for what events said."""
    heard = await hear(identities, statements)
    if heard.news:
        files = await fold(identities, heard, rules)
        reached = await reach(identities, files, heard.news, rules)
        outcomes, done = ([], set()) if in_full else await settle_in_peace(identities, files, reached, rules)
        reached.contacts -= done
        rows = await _rows(identities, files, reached)
        outcomes += await _settle(identities, rows, files, reached, rules)
        await identities.write(_together([*outcomes, _only_amended(files, done | rows.keys())]))
    return len(heard.news) - len(heard.overruled)


async def _rows(identities: Identities, files: Files, reached: Affected) -> Rows:
    """Every contact in the components of those reached, with its row if it has one."""
    stored = [who for who in reached.contacts if who not in files or files[who].row is not None]
    rows: Rows = {row[:2]: row for row in await identities.components(stored)}
    return rows | {who: files[who].row for who in reached.contacts if who in files}


async def _settle(
    identities: Identities, rows: Rows, files: Files, reached: Affected, rules: Rules
) -> list[IdentityDelta]:
    refused = await identities.refusals([who for who, row in rows.items() if row is not None and row.refused])
    by_tenant: dict[str, dict[UUID, MemberRow | None]] = {}
    for (tenant, contact_id), row in rows.items():
        by_tenant.setdefault(tenant, {})[contact_id] = row
    told: dict[str, list[ConflictRow]] = {}
    for refusal in refused:
        told.setdefault(refusal.tenant, []).append(refusal)
    return [
        settle(_part(tenant, of_tenant, files, reached, told.get(tenant, []), force.policy), force)
        for tenant, of_tenant in by_tenant.items()
        for force in [rules.policy_of(tenant)]
    ]


def _part(  # noqa: PLR0913, PLR0917 - the tenant's share of everything
    tenant: str,
    rows: Mapping[UUID, MemberRow | None],
    files: Files,
    reached: Affected,
    refused: list[ConflictRow],
    policy: Policy,
) -> Part:
    dossiers: dict[str, ContactEvidence] = {}
    before: dict[str, MemberRow | None] = {}
    ids: dict[str, UUID] = {}
    amended: set[str] = set()
    standings: dict[str, ContactLinks] = {}
    for contact_id, row in rows.items():
        file = files.get((tenant, contact_id))
        contact = file.contact if file else row.contact  # type: ignore[union-attr]  # only a file has no row
        dossiers[contact] = file.after if file else evidence_of(row)
        before[contact], ids[contact] = row, contact_id
        if file is not None:
            amended.add(contact)
            if file.standing is not None:
                standings[contact] = file.standing
    refusals: dict[Key, ConflictRow] = {row[:4]: row for row in refused}
    crowded = _crowded(tenant, reached, refused)
    return Part(tenant, policy, dossiers, before, ids, frozenset(amended), standings, refusals, crowded, reached.causes)


def _crowded(tenant: str, reached: Affected, refused: Iterable[ConflictRow]) -> dict[Identifier, int]:
    """Which values too many hold: those looked at now, and by the refusals of old, those whose links didn't change."""
    looked_at = reached.crowds.get(tenant, {})
    unchanged = (row for row in refused if (row.type, row.value) not in looked_at)
    crowded = over_limit_in_conflicts(unchanged)
    crowded.update((value, tier) for value, tier in looked_at.items() if tier is not None)
    return crowded


def _only_amended(files: Files, settled: Collection[ContactKey]) -> IdentityDelta:
    """Contacts of whom something was stated that changes nothing of who is who."""
    rows = []
    for who, file in files.items():
        if file.row is not None and who not in settled and file.after != file.before:
            holdings, decisions = file.after.texts
            named_at = file.after.named_at
            rows.append(file.row._replace(named_at=named_at, holdings=holdings, decisions=decisions))
    return IdentityDelta(members=rows)


def _together(outcomes: Iterable[IdentityDelta]) -> IdentityDelta:
    whole: dict[str, list[Any]] = {field.name: [] for field in fields(IdentityDelta)}
    for one in outcomes:
        for name, rows in whole.items():
            rows.extend(getattr(one, name))
    return IdentityDelta(**whole)

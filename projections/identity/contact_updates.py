"""NewEvidence into the states of the contacts that it is about (pure).

Evidence is a join, so most new evidence is merged in. Where it changes what earlier statements mean (a copy that
counts instead of another, a login that begins another session, an erasure, member ids that became one), the contacts
concerned are read again from all their events.
"""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from projections.identity.loads import (
    History,
    Load,
    LoadContacts,
    LoadHistory,
    LoadHoldings,
    LoadMerges,
    LoadPairs,
    LoadReferences,
    LoadReferrers,
    MergeState,
)
from projections.identity.new_evidence import ContactStatements, NewEvidence, statements_by
from projections.identity.resolution.links import CONTACT, MEMBER_ID, SetAsideReason
from projections.identity.resolution.member_merges import Canonical, ends_of, latest_merges
from projections.identity.resolution.nodes import (
    MOST_CLAIMS,
    WEB,
    Login,
    Sessions,
    holdings_in,
    keep_first_vouched,
    too_many_claims,
)
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.statements import Statement
from projections.identity.resolution.values import Normalised, normalise
from projections.identity.state import ContactIdentity, DecisionKey, PairState
from projections.identity.statements_read import StatementsRead
from projections.identity.values_set_aside import ValueSetAside, in_claims, in_statements, taken_back

_NO_SESSIONS = Sessions()

ReferenceKey = tuple[str, str]  # (the contact that is named, by whom)


class Update(NamedTuple):
    """A contact before and after the new evidence."""

    before: ContactIdentity
    after: ContactIdentity


@dataclass(slots=True)
class Updates:
    """What the new evidence comes to, contact by contact.

    ``references`` are by (named, by): the first time, which stays if an earlier one is known. ``references_anew`` take
    the place of what is known; of those in ``references_gone`` nothing names the contact any more. ``pairs`` are None
    where nothing is decided any more; ``merges`` likewise.
    """

    contacts: dict[str, Update] = field(default_factory=dict)
    references: dict[ReferenceKey, int] = field(default_factory=dict)
    references_anew: dict[ReferenceKey, int] = field(default_factory=dict)
    references_gone: set[ReferenceKey] = field(default_factory=set)
    pairs: dict[DecisionKey, PairState | None] = field(default_factory=dict)
    pairs_before: Mapping[DecisionKey, PairState] = field(default_factory=dict)
    merges: dict[str, MergeState | None] = field(default_factory=dict)
    set_aside: set[ValueSetAside] = field(default_factory=set)
    set_aside_gone: set[ValueSetAside] = field(default_factory=set)


def update_contacts(new_evidence: NewEvidence, policy: Policy) -> Generator[Load, Any, Updates]:
    """The contacts that the new evidence is about, before and after."""
    return (yield from _Updating(new_evidence, policy).run())


class _Updating:
    """One tenant's chunk under one policy."""

    def __init__(self, new_evidence: NewEvidence, policy: Policy) -> None:
        self.new_evidence = new_evidence
        self.policy = policy
        self.said = new_evidence.statements
        self.overruled = {contact: statements_by(records) for contact, records in new_evidence.overruled.items()}
        self.updates = Updates()
        self.states: dict[str, ContactIdentity] = {}
        self.into: dict[str, str] = {}  # what member ids became, as far as it was loaded
        self.canonical = Canonical()
        self.sessions: dict[str, Sessions] = {}
        self.named_at: dict[str, int] = {}  # when each contact was named last
        self.read = StatementsRead(policy)

    def run(self) -> Generator[Load, Any, Updates]:
        remerged = yield from self._merge_members()
        touched = {*self.said, *(one for said in (*self.said.values(), *self.overruled.values()) for one in said.named)}
        touched |= self.overruled.keys() | self.new_evidence.erased.keys()
        self._add_states((yield LoadContacts(frozenset(touched), frozenset(remerged))))
        yield from self._load_left_out()
        again = self._to_read_again(self.states.keys() - touched if remerged else set(), remerged)
        history = yield from self._load_history(again)
        partial = frozenset(contact for contact in again if self.states[contact].partial)
        self.states.update((yield LoadHoldings(partial, frozenset())))
        for contact, state in self.states.items():
            self.sessions.setdefault(contact, state.sessions)
        self._update(again, history)
        yield from self._find_founding_times(again)
        return self.updates

    def _add_states(self, loaded: Mapping[str, ContactIdentity]) -> None:
        """Take in states of contacts; those that the chunk erases are erased from here on."""
        erased = self.new_evidence.erased
        self.states |= {
            contact: state._replace(erased=erased[contact]) if contact in erased else state
            for contact, state in loaded.items()
        }

    # --- member ids that became another's

    def _merge_members(self) -> Generator[Load, Any, set[str]]:
        """The canonical ids from now on; those canonical ids, before and after, whose holders are to be read again."""
        ids = {
            read.value
            for said in self.said.values()
            for one in said.statements
            if one.type == MEMBER_ID and isinstance(read := normalise(MEMBER_ID, one.value, self.policy), Normalised)
        }
        stated = latest_merges(self.new_evidence.merges, self.policy)
        about = {
            read.value
            for one in self.new_evidence.remerged
            if isinstance(read := normalise(MEMBER_ID, one, self.policy), Normalised)
        }
        known: Mapping[str, MergeState] = yield LoadMerges(frozenset(ids | about | set(stated.values())))
        self.into = {one.member_id: one.into for one in known.values()}
        before = self.canonical = ends_of(self.into)
        if not about:
            return set()
        self.into = into = {one: other for one, other in self.into.items() if one not in about} | stated
        after = self.canonical = ends_of(into)
        for one in known.keys() | into.keys():
            row = MergeState(one, into[one], after.of(one)) if one in into else None
            if row != known.get(one):
                self.updates.merges[one] = row
        moved = {one for one in before.ids.keys() | after.ids.keys() if before.of(one) != after.of(one)}
        return {one for id_ in moved | (before.ends ^ after.ends) for one in (id_, before.of(id_), after.of(id_))}

    def _load_left_out(self) -> Generator[Load, Any, None]:
        """Load what the partial states of contacts lack and the news is about: all of it if something is taken back."""
        partial = {contact for contact, state in self.states.items() if state.partial}
        new = {contact: self.said[contact].statements for contact in partial & self.said.keys()}
        whole = {contact for contact, stated in new.items() if any(one.kind == "retracted" for one in stated)}
        some = {
            (contact, one.type, read.value)
            for contact in new.keys() - whole
            for one in new[contact]
            if isinstance(read := self._normalised(one), Normalised)
        }
        self.states.update((yield LoadHoldings(frozenset(whole), frozenset(some))))

    def _normalised(self, one: Statement) -> Normalised | SetAsideReason:
        return normalise(one.type, one.value, self.policy, intrinsic=one.kind == "intrinsic")

    # --- who is to be read again

    def _to_read_again(self, remerged: set[str], canonical: set[str]) -> set[str]:
        again = {
            contact
            for contact, state in self.states.items()
            if contact in remerged
            or (canonical and any(key[1] == MEMBER_ID and key[2] in canonical for key in state.holdings))
        }
        again |= self.overruled.keys() | self.new_evidence.erased.keys()
        for contact, said in self.said.items():
            state = self.states[contact]
            if contact.startswith(WEB):
                counts = said.outliving({contact: state.erased} if state.erased is not None else {}, contact)
                logins = self.read.of(contact, counts, self.canonical).logins
                self.sessions[contact] = state.sessions.with_logins(logins)
                if self.sessions[contact] != state.sessions and _moves_what_is_known(state, logins):
                    again.add(contact)
        return again

    def _load_history(self, again: set[str]) -> Generator[Load, Any, Mapping[str, History]]:
        """Load the events of those that are read again, and of who names them where that matters to what it said."""
        moved = {contact for contact in again if contact.startswith(WEB) or contact in self.new_evidence.erased}
        referrers: Mapping[str, frozenset[str]] = yield LoadReferrers(frozenset(moved))
        again.update(one for contact in moved for one in referrers.get(contact, ()))
        deciding = {contact for contact, said in self.said.items() if said.decisions}
        self.updates.pairs_before = yield LoadPairs(frozenset(again | deciding))
        history: dict[str, History] = dict((yield LoadHistory(frozenset(again))))
        for contact, new in self.new_evidence.new.items():
            if contact in again:
                known = history.get(contact, History({}, {}))
                history[contact] = known._replace(records={**known.records, **new})
        names = {one for contact in again for one in statements_by(history[contact].records).named}
        missing = frozenset((again | names) - self.states.keys())
        self._add_states((yield LoadContacts(missing)))
        yield from self._canonical_of(history)
        return history

    def _canonical_of(self, history: Mapping[str, History]) -> Generator[Load, Any, None]:
        """The canonical ids of member ids in the history."""
        ids = {
            read.value
            for one in history.values()
            for statement in statements_by(one.records).statements
            if statement.type == MEMBER_ID
            and isinstance(read := normalise(MEMBER_ID, statement.value, self.policy), Normalised)
        }
        known: Mapping[str, MergeState] = yield LoadMerges(frozenset(ids))
        if not known:
            return
        changed = self.updates.merges
        self.into |= {one.member_id: one.into for one in known.values() if one.member_id not in changed}
        self.canonical = ends_of(self.into)

    # --- the states

    def _update(self, again: set[str], history: Mapping[str, History]) -> None:
        recorded = {contact: statements_by(one.records) for contact, one in history.items()}
        erased = {contact: state.erased for contact, state in self.states.items() if state.erased is not None}
        whole = {contact: said.outliving(erased, contact) for contact, said in recorded.items()}
        fresh = {
            contact: said.outliving(erased, contact) for contact, said in self.said.items() if contact not in again
        }
        for said in (*whole.values(), *fresh.values()):
            for other, time in said.naming if said.named else ():
                self.named_at[other] = max(time, self.named_at.get(other, time))
        for contact in again:
            if contact.startswith(WEB):
                self.sessions[contact] = Sessions().with_logins(
                    self.read.of(contact, whole[contact], self.canonical).logins
                )
        for contact in again:
            before = self.states[contact]
            empty = before._replace(
                sessions=_NO_SESSIONS,
                holdings={},
                partial=False,
                stated_at=None,
                founded_at=None,
            )
            known = before.erased is None or recorded[contact].has_evidence
            self.updates.contacts[contact] = Update(before, self._state(contact, whole[contact], empty, known=known))
            self._refer(contact, history[contact].references, _references(whole[contact], self.policy))
            self.updates.set_aside_gone |= taken_back(contact, recorded[contact], whole[contact], self.policy)
        for contact, said in fresh.items():
            state = self.states[contact]
            known = state.known or self.said[contact].has_evidence
            self.updates.contacts[contact] = Update(state, self._state(contact, said, state, known=known))
            for named, at in _references(said, self.policy).items():
                self.updates.references[named, contact] = at
        self._decide_pairs(again, fresh, whole)
        self._set_aside()

    def _set_aside(self) -> None:
        """What is set aside from now on, and what no longer is, beside what the statements themselves say."""
        updates = self.updates
        for contact, overruled in self.overruled.items():
            updates.set_aside_gone |= taken_back(contact, overruled, ContactStatements(), self.policy)
        for contact, (before, after) in updates.contacts.items():
            if len(before.holdings) > MOST_CLAIMS or len(after.holdings) > MOST_CLAIMS:
                claims = in_claims(contact, before.holdings), in_claims(contact, after.holdings)
                updates.set_aside_gone |= claims[0] - claims[1]
                updates.set_aside |= claims[1] - claims[0]
        updates.set_aside_gone -= updates.set_aside

    def _state(self, contact: str, said: ContactStatements, state: ContactIdentity, *, known: bool) -> ContactIdentity:
        """The contact with these statements merged in."""
        read = self.read.of(contact, said, self.canonical)
        if read.excluded:
            self.updates.set_aside |= in_statements(contact, read.excluded)
        sessions = self.sessions.get(contact, _NO_SESSIONS)
        holdings = dict(state.holdings)
        for key, one in holdings_in(read.statements, read.logins, sessions, self._session_at).items():
            stored = holdings.get(key)
            holdings[key] = stored.merge(one) if stored else one
        if sessions.logins:
            keep_first_vouched(holdings)
        times = [one.statement.at for one in read.statements] + [one.at for one in said.decisions]
        stated = _least(state.stated_at, *times)
        return state._replace(
            known=known,
            sessions=sessions,
            holdings=holdings,
            left_out=state.partial or (len(holdings) > MOST_CLAIMS and bool(too_many_claims(holdings))),
            stated_at=stated,
            founded_at=_least(state.founded_at, stated),
            latest_at=_greatest(state.latest_at, *times),
        )

    def _session_at(self, contact: str, time: int) -> str:
        return self.sessions.get(contact, _NO_SESSIONS).at(time)

    def _refer(self, contact: str, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        for named, at in after.items():
            if before.get(named) != at:
                self.updates.references_anew[named, contact] = at
        self.updates.references_gone |= {(named, contact) for named in before.keys() - after.keys()}

    def _decide_pairs(
        self, again: set[str], fresh: Mapping[str, ContactStatements], whole: Mapping[str, ContactStatements]
    ) -> None:
        before = self.updates.pairs_before
        decided: dict[DecisionKey, PairState | None] = {pair: None for pair in before if pair[0] in again}
        for contact in again:
            decided |= _pairs(contact, whole[contact], {})
        for contact, said in fresh.items():
            decided |= _pairs(contact, said, before)
        for pair, found in decided.items():
            after = found and found._replace(
                by_session=self._session_at(found.by, found.at), other_session=self._session_at(found.other, found.at)
            )
            if after != before.get(pair):
                self.updates.pairs[pair] = after

    # --- when contacts were founded

    def _find_founding_times(self, again: set[str]) -> Generator[Load, Any, None]:
        """Whoever is named is founded by it; where a naming changed, all of them are looked at anew."""
        updates = self.updates
        changed = updates.references_anew.keys() | updates.references_gone
        anew = frozenset((again | {named for named, _ in changed}) & self.states.keys())
        references: Mapping[str, list[tuple[str, int]]] = yield LoadReferences(anew, len(again) + 1)
        about: dict[str, list[int]] = {}
        for (named, _), at in (*updates.references_anew.items(), *updates.references.items()):
            about.setdefault(named, []).append(at)
        for contact in anew:
            still = [at for by, at in references.get(contact, ()) if (contact, by) not in changed]
            about.setdefault(contact, []).extend(still)
        referenced = {one for one, _ in (*updates.references_anew, *updates.references)} | self.named_at.keys()
        for contact in (about.keys() | anew | referenced) & self.states.keys():
            state = self.states[contact]
            update = updates.contacts.get(contact) or Update(state, state)
            own = update.after.stated_at if contact in anew else update.after.founded_at
            founded = _least(own, *about.get(contact, ()))
            after = update.after._replace(founded_at=founded, known=update.after.known or founded is not None)
            if contact in referenced:
                after = after._replace(
                    known=True, named=True, latest_at=_greatest(after.latest_at, self.named_at.get(contact))
                )
            updates.contacts[contact] = update._replace(after=after)


def _moves_what_is_known(state: ContactIdentity, logins: Iterable[Login]) -> bool:
    """Whether anything that is known of a browser can belong to another session by these logins.

    A first login takes what was stated before it; a later one only what is not earlier.
    """
    if not state.known:
        return False
    if not state.sessions.logins or state.latest_at is None:
        return True
    return any(at <= state.latest_at for at, _, _ in logins)


def _references(counts: ContactStatements, policy: Policy) -> dict[str, int]:
    """The contacts that are named, each with the first time that counts. A blocked value names nobody."""
    if not counts.named:
        return {}
    bound = {one.value for one in counts.statements if one.type == CONTACT}
    named = {one for one in bound if isinstance(normalise(CONTACT, one, policy), Normalised)}
    times = [(one.value, one.at) for one in counts.statements if one.type == CONTACT and one.value in named]
    times += [(one.other, one.at) for one in counts.decisions]
    return dict(sorted(times, key=lambda one: one[1], reverse=True))


def _pairs(
    contact: str, said: ContactStatements, before: Mapping[DecisionKey, PairState]
) -> dict[DecisionKey, PairState]:
    """What the contact's decisions come to, sessions left open."""
    found: dict[DecisionKey, PairState] = {}
    for one in said.decisions:
        more = PairState(contact, one.other, one.at, one.event_id, one.verdict)
        known = found.get(more.pair) or before.get(more.pair)
        found[more.pair] = max(known, more, key=lambda state: state.rank) if known else more
    return found


def _greatest(*times: int | None) -> int | None:
    return max([one for one in times if one is not None], default=None)


def _least(*times: int | None) -> int | None:
    return min([one for one in times if one is not None], default=None)

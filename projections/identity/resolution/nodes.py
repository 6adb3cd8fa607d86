"""Contacts as nodes: what is live, in which session of a browser it was stated, and how strongly.

A browser is not a person: each member id that ever logged in on it has a session of its own, and what the browser
states belongs to the session of the last login before it. A binding to a browser, and a decision about one, are about
the session that the browser was in at the time.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from projections.identity.resolution.holdings import NO_SESSION, Holding, HoldingKey, StatementSpan, holding_of
from projections.identity.resolution.links import CONTACT, MEMBER_ID, Node, NormalisedIdentifier, SetAsideReason
from projections.identity.resolution.member_merges import Canonical
from projections.identity.resolution.policy import X_RULE, Policy, TypeRule
from projections.identity.resolution.statements import Statement
from projections.identity.resolution.values import Normalised, normalise
from schemas.events.base import Stamp

MOST_CLAIMS: Final = 100
WEB: Final = "web:"

Rank = tuple[int, int, str]  # (2 intrinsic, 0 a claim, 1 any other; at, event_id)
Login = tuple[int, str, str]  # (at, event_id, canonical member id)
SessionAt = Callable[[str, int], str]  # (contact, time) -> the session that the contact is in at the time
Holdings = Mapping[HoldingKey, Holding]


class LiveIdentifier(NamedTuple):
    """That a node has an identifier, live: how strongly, since when, and its latest statement.

    ``spellings`` are how the live statements write it, the last of them at the end; empty if as the value itself.
    """

    tier: int
    since: int
    latest: Rank
    spellings: tuple[str, ...] = ()

    def written(self, value: str) -> str:
        """How the value was written last."""
        return self.spellings[-1] if self.spellings else value


class Sessions(NamedTuple):
    """The logins of a browser in their order."""

    logins: tuple[Login, ...] = ()

    @property
    def last(self) -> str:
        """The session that the browser is with."""
        return self.logins[-1][2] if self.logins else NO_SESSION

    def at(self, time: int) -> str:
        """The session at a time: the last login's up to then; before the first login, the first one's."""
        if not self.logins:
            return NO_SESSION
        return self.logins[max(0, bisect_right(self.logins, time, key=_time) - 1)][2]

    def with_logins(self, more: Iterable[Login]) -> "Sessions":
        """With more logins; of consecutive logins of one member id the first is kept."""
        kept: list[Login] = []
        for login in sorted({*self.logins, *more}):
            if not kept or kept[-1][2] != login[2]:
                kept.append(login)
        return Sessions(tuple(kept))


class NormalisedStatement(NamedTuple):
    """A statement with a valid value: normalised, and of a member id the canonical one.

    ``spelling`` is how it is written, where that is not the value itself, or is one of several.
    """

    statement: Statement
    value: str
    spelling: str | None


class StatementSetAside(NamedTuple):
    """A statement that is no evidence, and why."""

    statement: Statement
    reason: SetAsideReason


def normalise_statements(
    statements: Iterable[Statement], merged: Canonical, policy: Policy
) -> tuple[list[NormalisedStatement], list[StatementSetAside]]:
    """The statements that are evidence, and those that are not, each with its reason."""
    normalised: list[NormalisedStatement] = []
    set_aside: list[StatementSetAside] = []
    for statement in statements:
        value = normalise(statement.type, statement.value, policy, intrinsic=statement.kind == "intrinsic")
        if isinstance(value, Normalised):
            canonical = merged.of(value.value) if statement.type == MEMBER_ID else value.value
            written = value.spelling if value.spelling != canonical or canonical in merged.ends else None
            normalised.append(NormalisedStatement(statement, canonical, written))
        else:
            set_aside.append(StatementSetAside(statement, value))
    return normalised, set_aside


def logins_in(contact: str, read: Iterable[NormalisedStatement]) -> list[Login]:
    """The logins among the statements; only a browser has any."""
    if not contact.startswith(WEB):
        return []
    return [
        (one.statement.at, one.statement.event_id, one.value)
        for one in read
        if one.statement.type == MEMBER_ID and one.statement.kind != "retracted"
    ]


def holdings_in(
    read: Iterable[NormalisedStatement], logins: Iterable[Login], sessions: Sessions, session_at: SessionAt
) -> dict[HoldingKey, Holding]:
    """The holdings that the statements amount to.

    ``logins`` are those among the statements; ``sessions`` are all of the contact's.
    """
    login_of: dict[Stamp, str] = {}  # the session of what else the event of a login states
    for at, event_id, value in logins:
        login_of[at, event_id] = max(value, login_of.get((at, event_id), value))
    holdings: dict[HoldingKey, Holding] = {}
    for one in read:
        statement = one.statement
        session = target = NO_SESSION
        if statement.kind != "retracted":
            if statement.type == MEMBER_ID and login_of:
                session = one.value
            else:
                session = login_of.get(statement.stamp) or sessions.at(statement.at)
            if statement.type == CONTACT:
                target = session_at(one.value, statement.at)
        key = (session, statement.type, one.value, target)
        more = holding_of(statement.kind, statement.stamp, one.spelling)
        known = holdings.get(key)
        holdings[key] = known.merge(more) if known else more
    return holdings


def keep_first_vouched(holdings: dict[HoldingKey, Holding]) -> None:
    """Of an identifier that is intrinsic in several sessions keep the earliest alone; a login counts each time."""
    vouched: dict[tuple[str, str], list[HoldingKey]] = {}
    for key, one in holdings.items():
        if one.intrinsic is not None and key[1] != MEMBER_ID:
            vouched.setdefault((key[1], key[2]), []).append(key)
    for keys in vouched.values():
        first = min(keys, key=lambda key: (holdings[key].intrinsic, key))
        for key in keys:
            if key != first:
                rest = holdings[key].without_intrinsic()
                if rest == Holding():
                    del holdings[key]
                else:
                    holdings[key] = rest


def nodes_of(
    contact: str, holdings: Holdings, policy: Policy
) -> dict[Node, dict[NormalisedIdentifier, tuple[LiveIdentifier, HoldingKey]]]:
    """The live identifiers of the contact's nodes, each with its holding; a node without any is left out."""
    nodes: dict[Node, dict[NormalisedIdentifier, tuple[LiveIdentifier, HoldingKey]]] = {}
    for key, held in live_holdings(holdings, policy):
        session, type_name, value, target = key
        node: Node = (contact, session)
        identifier: NormalisedIdentifier = (type_name, (value, target)) if type_name == CONTACT else (type_name, value)
        if identifier[1] != node:
            nodes.setdefault(node, {})[identifier] = (held, key)
    return nodes


def live_holdings(holdings: Holdings, policy: Policy) -> Iterator[tuple[HoldingKey, LiveIdentifier]]:
    """The holdings of which something is live, and what of each is."""
    left_out = set(too_many_claims(holdings)) if len(holdings) > MOST_CLAIMS else set()
    several = _in_several_sessions(holdings)
    for key, one in holdings.items():
        identifier = key[1:3]
        rows = several.get(identifier) if several else None
        if rows is None:
            live, intrinsic = _live_alone(one), one.intrinsic
        else:
            live = _live_together(rows)
            first = min((row.intrinsic for row in rows if row.intrinsic), default=None)
            intrinsic = one.intrinsic if key[1] == MEMBER_ID or one.intrinsic == first else None
        if identifier in left_out:
            live = live._replace(claimed=False)
        held = _held(policy.rule(key[1]) or X_RULE, one, live, intrinsic)
        if held is not None:
            yield key, held


def too_many_claims(holdings: Holdings) -> dict[tuple[str, str], Stamp]:
    """The (type, value) that the contact claims beyond the latest hundred of the type, each with its latest claim."""
    rows: dict[tuple[str, str], list[Holding]] = {}
    for key, one in holdings.items():
        if key[1] != MEMBER_ID:
            rows.setdefault(key[1:3], []).append(one)
    claims: dict[str, list[tuple[Stamp, str]]] = {}
    for (type_name, value), together in rows.items():
        if _live_together(together).claimed:
            claims.setdefault(type_name, []).append((max(one.claimed[1:] for one in together if one.claimed), value))
    return {
        (type_name, value): stamp
        for type_name, values in claims.items()
        if len(values) > MOST_CLAIMS
        for stamp, value in sorted(values, reverse=True)[MOST_CLAIMS:]
    }


class _Live(NamedTuple):
    """The assurances whose latest assertion outlives the latest retraction; then all assertions of it are live."""

    verified: bool
    stated: bool
    claimed: bool


def _in_several_sessions(holdings: Holdings) -> dict[tuple[str, str], list[Holding]]:
    """The holdings of each (type, value) that there are several of: a retraction is of all of them."""
    if len({key[1:3] for key in holdings}) == len(holdings):
        return {}
    seen: dict[tuple[str, str], list[Holding]] = {}
    for key, one in holdings.items():
        seen.setdefault(key[1:3], []).append(one)
    return {it: rows for it, rows in seen.items() if len(rows) > 1}


def _live_alone(one: Holding) -> _Live:
    if one.retracted is None:
        return _Live(one.verified is not None, one.stated is not None, one.claimed is not None)
    retracted = one.retracted[1:]
    return _Live(
        _outlives(one.verified, retracted), _outlives(one.stated, retracted), _outlives(one.claimed, retracted)
    )


def _live_together(rows: Iterable[Holding]) -> _Live:
    retracted = max((one.retracted[1:] for one in rows if one.retracted), default=None)
    spans = ([one.verified for one in rows], [one.stated for one in rows], [one.claimed for one in rows])
    return _Live(*(any(_outlives(span, retracted) for span in several) for several in spans))


def _outlives(span: StatementSpan | None, retracted: Stamp | None) -> bool:
    return span is not None and (retracted is None or span[1:] > retracted)


def _held(rule: TypeRule, one: Holding, live: _Live, intrinsic: Stamp | None) -> LiveIdentifier | None:
    """The strongest tier, the least time and the latest statement of what is live in one holding."""
    held: LiveIdentifier | None = None
    if intrinsic is not None and rule.verified is not None:
        held = LiveIdentifier(rule.verified, intrinsic[0], (2, *intrinsic))
    if live.verified and one.verified is not None and rule.verified is not None:
        held = _stronger(held, rule.verified, one.verified, 1)
    if live.stated and one.stated is not None and rule.stated is not None:
        held = _stronger(held, rule.stated, one.stated, 1)
    if live.claimed and one.claimed is not None and rule.claimed is not None:
        held = _stronger(held, rule.claimed, one.claimed, 0 if rule.is_claim(rule.claimed) else 1)
    if held is not None and one.spellings:
        return held._replace(spellings=_live_spellings(one, rule, live, vouched=intrinsic is not None))
    return held


def _live_spellings(one: Holding, rule: TypeRule, live: _Live, *, vouched: bool) -> tuple[str, ...]:
    """How what is live is written, the last at the end: who takes a spelling back has never written it."""
    counts = {
        "intrinsic": vouched and rule.verified is not None,
        "verified": live.verified and rule.verified is not None,
        "stated": live.stated and rule.stated is not None,
        "claimed": live.claimed and rule.claimed is not None,
    }
    latest: dict[str, Stamp] = {}
    for spelling, kind, at, event_id in one.spellings:
        if counts[kind]:
            latest[spelling] = max((at, event_id), latest.get(spelling, (at, event_id)))
    return tuple(sorted(latest, key=lambda spelling: (latest[spelling], spelling)))


def _stronger(held: LiveIdentifier | None, tier: int, span: StatementSpan, rank: int) -> LiveIdentifier:
    latest = (rank, span[1], span[2])
    if held is None:
        return LiveIdentifier(tier, span[0], latest)
    return LiveIdentifier(min(tier, held.tier), min(span[0], held.since), max(latest, held.latest))


def _time(login: Login) -> int:
    return login[0]
